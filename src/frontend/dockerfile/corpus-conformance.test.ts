import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { checkRule } from "./check-rules.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import type { Finding } from "./parsed.ts";
import type { Range } from "./source-range.ts";
import { parseDockerfile } from "./stages.ts";

interface RangeRow {
  readonly start: readonly [number, number];
  readonly end: readonly [number, number];
}

interface Row {
  readonly case: { readonly name: string; readonly dockerfile?: string; readonly dockerfileB64?: string };
  readonly result: {
    readonly error?: string;
    readonly errorLocations?: ReadonlyArray<readonly RangeRow[]> | null;
    readonly warnings?: ReadonlyArray<{ readonly rule: string; readonly msg: string; readonly url: string; readonly ranges: readonly RangeRow[] }> | null;
  };
}

const FOLDER = join(process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../../../shared/conformance"), "llb");
/** How errors of parsing begin; others come from the conversion. */
const PARSE_ERROR = /^(dockerfile parse error|no build stage in|file with no instructions|dockerfile line greater)/;
/** What the parser finds by itself. */
const RULES = new Set(["NoEmptyContinuation", "StageNameCasing", "FromAsCasing", "MaintainerDeprecated"]);

for (const name of ["corpus", "bktest", "opts", "matrix"]) {
  const path = join(FOLDER, `${name}.jsonl.gz`);
  test(`the Dockerfiles of ${name} are accepted or refused as by BuildKit, with its words, places and findings`, { skip: existsSync(path) ? false : `no ${path}` }, () => {
    for (const line of gunzipSync(readFileSync(path)).toString().split("\n").filter((text) => text !== "")) {
      // The shape of these files is documented beside them.
      checkRow(JSON.parse(line) as Row);
    }
  });
}

function checkRow({ case: { name, dockerfile = "", dockerfileB64 }, result }: Row): void {
  const bytes = dockerfileB64 === undefined ? Buffer.from(dockerfile, "utf8") : Buffer.from(dockerfileB64, "base64");
  const findings: Finding[] = [];
  const refusal = refusalOf(bytes, findings);
  const isRefused = result.error !== undefined && PARSE_ERROR.test(result.error);
  assert.deepEqual(refusal, isRefused ? { message: result.error, locations: result.errorLocations } : undefined, name);
  // Leaving out what `check=` silences is the linter's work.
  if (isRefused || bytes.includes("check=")) return;
  const expected = (result.warnings ?? []).filter(({ rule }) => RULES.has(rule)).map(({ rule, msg, url, ranges }) => ({ rule, message: msg, url, ranges }));
  // What is experimental is only told where it is asked for, which is the linter's work too.
  const told = findings.filter(({ rule }) => checkRule(rule)?.experimental !== true);
  assert.deepEqual(told.map(({ rule, message, url, location }) => ({ rule, message, url, ranges: location.map(rangeRow) })), expected, name);
}

function refusalOf(bytes: Uint8Array, findings: Finding[]): { readonly message: string; readonly locations: unknown } | undefined {
  try {
    parseDockerfile(bytes, (finding) => findings.push(finding));
    return undefined;
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    return { message: error.message, locations: error.locations.map((ranges) => ranges.map(rangeRow)) };
  }
}

function rangeRow({ start, end }: Range): RangeRow {
  return { start: [start.line, start.character], end: [end.line, end.character] };
}
