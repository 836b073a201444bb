import assert from "node:assert/strict";
import { csvFields as csvFlagFields } from "../../../src/content/csv-fields.ts";
import { readBuildOptions } from "../../../src/frontend/dockerfile/build-options.ts";
import { parseByteSize } from "../../../src/frontend/dockerfile/byte-size.ts";
import { checkRule, ruleNames } from "../../../src/frontend/dockerfile/check-rules.ts";
import { parseCheckOptions } from "../../../src/frontend/dockerfile/check-options.ts";
import { parseChmod } from "../../../src/frontend/dockerfile/convert/file-mode.ts";
import { parseOwner } from "../../../src/frontend/dockerfile/convert/owner.ts";
import { parsePorts } from "../../../src/frontend/dockerfile/convert/expose.ts";
import { csvFields } from "../../../src/frontend/dockerfile/csv-fields.ts";
import { absolutePath, baseName, cleanPath, DockerfilePathError, isAbsolutePath, joinPath, workingDirectory } from "../../../src/frontend/dockerfile/dockerfile-paths.ts";
import { formatDuration, parseDuration } from "../../../src/frontend/dockerfile/duration.ts";
import { urlFilename } from "../../../src/frontend/dockerfile/git-reference.ts";
import { parseBool, quote } from "../../../src/frontend/dockerfile/go-text.ts";
import { parseSignal } from "../../../src/frontend/dockerfile/signal.ts";
import { nearest } from "../../../src/frontend/dockerfile/suggestion.ts";
import type { Principal } from "../../../src/llb/file-vertex.ts";
import { redactUrl } from "../../../src/scrub/url.ts";
import type { RowCheck, RowChecks } from "./row-check.ts";

interface Row {
  readonly in: string;
  readonly out?: unknown;
  readonly error?: string | null;
  readonly str?: string;
  readonly parent?: string;
  readonly os?: string;
  readonly keepSlash?: boolean;
  readonly options?: readonly string[];
  readonly caseSensitive?: boolean;
}

/** Each gives what Go's function gives, or throws with its message. */
const FUNCTIONS: Readonly<Record<string, (row: Row) => unknown>> = {
  "time.ParseDuration": (row) => {
    const ns = parseDuration(row.in);
    assert.equal(formatDuration(ns), row.str);
    return Number(ns);
  },
  "units.RAMInBytes": (row) => Number(parseByteSize(row.in)),
  "csvvalue.Fields": (row) => csvFields(row.in),
  "strconv.ParseBool": (row) => {
    const bool = parseBool(row.in);
    if (bool === undefined) throw new Error(`strconv.ParseBool: parsing ${quote(row.in)}: invalid syntax`);
    return bool;
  },
  "suggest.Search": (row) => nearest(row.in, row.options ?? [], row.caseSensitive === true) ?? "",
  // The rows' one byte that is not UTF-8, 0xff, came through JSON as U+FFFD.
  "fmt CMD %q": (row) => `CMD [${listOf(row.in).map((item) => quote(item.replace("\ufffd", "\udcff"))).join(" ")}]`,
  "fmt VOLUME %v": (row) => `VOLUME [${listOf(row.in).join(" ")}]`,
  "linter.ParseLintOptions": (row) => {
    const options = parseCheckOptions(row.in);
    return { ...options, skip: orNull(options.skip), experimental: orNull(options.experimental) };
  },
  "path.Clean": (row) => cleanPath(row.in),
  "path.Base": (row) => baseName(row.in),
  "path.Join('/',x)": (row) => joinPath("/", row.in),
  "system.NormalizePath": (row) => absolutePath(row.parent ?? "", row.in, row.os ?? "", row.keepSlash === true),
  "system.NormalizeWorkdir": (row) => workingDirectory(row.parent ?? "", row.in, row.os ?? ""),
  "system.IsAbs": (row) => isAbsolutePath(row.in, row.os ?? ""),
};

function checkFunction(call: (row: Row) => unknown): RowCheck {
  return (row: Row) => {
    if (typeof row.error === "string") assert.throws(() => call(row), { message: row.error });
    else assert.deepEqual(call(row), row.out);
  };
}

/** Functions of Go and of the libraries under BuildKit, by the name that the rows give. */
export const FUNCTION_CHECKS: RowChecks = {
  ...Object.fromEntries(Object.entries(FUNCTIONS).map(([fn, call]) => [`go_functions_oracle.json#cases/${fn}`, checkFunction(call)])),
  "go_functions_oracle.json#cases/signal.ParseSignal": (row: Row) => assert.equal(parseSignal(row.in), row.error === null ? row.out : undefined),
  // Where Go cannot read the URL, the file has a name all the same.
  "go_functions_oracle.json#cases/ADD http filename": (row: Row) => assert.equal(urlFilename(row.in), row.out),
  // An octal mode is a number here before any library sees it.
  "go_functions_oracle.json#cases/mode.Parse": ({ in: text, error }: Row) => {
    if (error === null) assert.equal(parseChmod(text), text);
    else assert.throws(() => parseChmod(text), { message: error ?? "" });
  },
  "go_functions_oracle.json#cases/llb.WithUser -> ChownOpt": (row: { readonly in: string; readonly out: { readonly user?: GoUser; readonly group?: GoUser } }) => {
    const { user, group } = parseOwner(row.in);
    assert.deepEqual({ user, group }, { user: principal(row.out.user), group: principal(row.out.group) });
  },
  "tbl_sys_signal.json#TestParseSignal": ([name, { $int }]: readonly [string, { readonly $int: number }]) => {
    for (const text of [name, `SIG${name}`]) assert.equal(parseSignal(text), $int);
  },
  "tbl_go_csvvalue.json#TestFields": checkCsv,
  "go_functions_oracle.json#cases/units.ParseUlimit": (row: UlimitRow) => checkUlimit(row),
  "tbl_go_units.json#TestParseUlimitUnlimited": ({ expected, ...row }: UlimitRow & { readonly expected: UlimitRow["out"] }) => checkUlimit({ ...row, out: expected }),
  "tbl_bk_util_urlutil.json#TestRedactCredentials": ({ url, want }: { readonly url: string; readonly want: string }) => assert.equal(redactUrl(url), want),
  "tbl_bk_util_system.json#TestNormalizeWorkdir": checkWorkdir("linux"),
  "tbl_bk_util_system.json#TestNormalizeWorkdirUnix": checkWorkdir("linux"),
  "tbl_bk_util_system.json#TestNormalizeWorkdirWindows": checkWorkdir("windows"),
  "tbl_bk_util_system.json#TestIsAbs": ({ path, desiredResult }: { readonly path: string; readonly desiredResult: boolean }) => assert.equal(isAbsolutePath(path, "windows"), desiredResult),
  "tbl_bk_frontend_dockerfile_dockerfile2llb.json#TestParsePortEmptyContainerPort": checkPorts,
  "tbl_bk_frontend_dockerfile_dockerfile2llb.json#TestPartPortIPV6": checkPorts,
  "linter_rules.json#cases": ({ Name, Description, URL, Deprecated, Experimental }: Readonly<Record<"Name" | "Description" | "URL", string>> & Readonly<Record<"Deprecated" | "Experimental", boolean>>) => {
    if (Deprecated) return;
    assert.ok(ruleNames().some((name) => name === Name), `there is no rule ${Name}`);
    assert.deepEqual(checkRule(Name), { description: Description, url: URL, experimental: Experimental });
  },
};

type GoUser = { readonly User: { readonly byId?: number; readonly byName?: { readonly name: string } } };

function principal(go: GoUser | undefined): Principal | undefined {
  if (go === undefined) return undefined;
  const { byId = 0, byName } = go.User;
  return byName === undefined ? { kind: "id", id: byId } : { kind: "name", name: byName.name };
}

interface CsvRow {
  readonly Input: string;
  readonly Output?: readonly string[];
  readonly Error?: { readonly $error: string };
  readonly Comma: number;
  readonly LazyQuotes: boolean;
  readonly TrimLeadingSpace: boolean;
}

function checkCsv({ Input, Output, Error: refused, Comma, LazyQuotes, TrimLeadingSpace }: CsvRow): void {
  const rules = { separator: Comma === 0 ? "," : String.fromCodePoint(Comma), lazyQuotes: LazyQuotes, trimLeadingSpace: TrimLeadingSpace };
  const isPlain = Comma === 0 && !LazyQuotes && !TrimLeadingSpace;
  // Command-line flags are split by a reader without options.
  const readers = [(): readonly string[] => csvFields(Input, rules), ...(isPlain ? [(): readonly string[] => csvFlagFields(Input)] : [])];
  for (const read of readers) {
    if (refused !== undefined) assert.throws(read, { message: refused.$error });
    else assert.deepEqual(read(), Output);
  }
}

interface UlimitRow {
  readonly in: string;
  readonly error?: string | null;
  readonly out?: { readonly Name: string; readonly Soft: number; readonly Hard: number } | undefined;
}

/** As the one option of a build. */
function checkUlimit({ in: text, error, out }: UlimitRow): void {
  const host = { os: "linux", architecture: "amd64" };
  const read = (): unknown =>
    readBuildOptions({ opts: new Map([["ulimit", text]]), sessionId: "", workerPlatforms: [host], hostPlatform: host, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map() })
      .ulimits.map(({ Name, Soft, Hard }) => ({ Name, Soft: Number(Soft), Hard: Number(Hard) }));
  if (typeof error === "string") assert.throws(read, { message: `failed to parse ulimit: ${error}` });
  else assert.deepEqual(read(), [out]);
}

interface WorkdirRow {
  readonly currentWorkdir: string;
  readonly newWorkDir: string;
  readonly desiredResult: string;
  readonly err: string;
}

function checkWorkdir(os: string): RowCheck {
  return ({ currentWorkdir, newWorkDir, desiredResult, err }: WorkdirRow) => {
    if (err === "") assert.equal(workingDirectory(currentWorkdir, newWorkDir, os), desiredResult);
    else assert.throws(() => workingDirectory(currentWorkdir, newWorkDir, os), (error) => error instanceof DockerfilePathError && error.message.endsWith(err));
  };
}

function checkPorts({ spec, expError, expected }: { readonly spec: string; readonly expError?: string; readonly expected?: readonly string[] }): void {
  if (expError === undefined) assert.deepEqual(parsePorts(spec), expected);
  else assert.throws(() => parsePorts(spec), { message: expError });
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function orNull(rules: readonly string[]): readonly string[] | null {
  return rules.length === 0 ? null : rules;
}
