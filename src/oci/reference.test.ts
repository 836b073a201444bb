import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { conformance } from "../testing/conformance.ts";
import {
  familiarName, familiarString, formatReference, InvalidReferenceError, isNameOnly, parseReference, repositoryName, tagNameOnly, trimReference, withDigest, withTag,
  type Reference,
} from "./reference.ts";

interface OracleCase {
  readonly input: string;
  readonly error?: string;
  readonly [field: string]: string | undefined;
}

interface Table {
  readonly func: string;
  readonly line: number;
  readonly table: readonly Row[];
}

/** What `$error` holds stands under "err". */
type Row = Readonly<Record<"input" | "expected" | "domain" | "path" | "repository" | "tag" | "digest" | "name" | "combined", string>> &
  Readonly<Record<"FullName" | "FamiliarName" | "AmbiguousName" | "Domain" | "RemoteName" | "Reference" | "Equivalent", string>> & { readonly err?: object };

const DIGEST = `sha256:${"1".repeat(64)}`;

function errorOf(text: string): string | undefined {
  try {
    parseReference(text);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof InvalidReferenceError);
    return error.message;
  }
}

function describeAll(input: string): OracleCase {
  const reference = parseReference(input);
  return {
    domain: reference.domain,
    path: reference.path,
    ...(reference.tag === undefined ? {} : { tag: reference.tag }),
    ...(reference.digest === undefined ? {} : { digest: reference.digest }),
    familiarName: familiarName(reference),
    familiarString: familiarString(reference),
    string: formatReference(reference),
    tagNameOnly: formatReference(tagNameOnly(reference)),
    withDigest1111: formatReference(withDigest(reference, DIGEST)),
    input,
  };
}

describe("references of the conformance data", () => {
  const oracle = conformance<{ readonly cases: readonly OracleCase[] }>("vectors/reference_oracle.json");
  test("every reference parses, is refused and is written as by distribution", { skip: oracle.skip }, () => {
    for (const { parse: _parse, parseError: _parseError, ...wanted } of oracle.read().cases) {
      if (wanted.error === undefined) assert.deepEqual(describeAll(wanted.input), wanted);
      else assert.equal(errorOf(wanted.input), wanted.error, wanted.input);
    }
  });

  const tables = conformance<{ readonly tables: readonly Table[] }>("vectors/tbl_distribution_reference.json");
  const rows = (name: string, line?: number): readonly Row[] =>
    tables.read().tables.find(({ func, line: at }) => func === name && (line === undefined || line === at))?.table ?? assert.fail(`no table ${name}`);

  test("short and full names give one normal form", { skip: tables.skip }, () => {
    for (const row of rows("TestParseDockerRef")) {
      const tagged = tagNameOnly(parseReference(row.input));
      const reference: Reference = tagged.digest === undefined ? tagged : withDigest(trimReference(tagged), tagged.digest);
      assert.equal(formatReference(reference), row.expected);
    }
    for (const row of rows("TestNormalizedSplitHostname")) {
      const { domain, path } = parseReference(row.input);
      assert.deepEqual([domain, path], [row.domain, row.path]);
    }
    for (const row of rows("TestParseRepositoryInfo")) {
      for (const input of [row.FullName, row.FamiliarName, row.AmbiguousName].filter((name) => name !== "")) {
        const reference = parseReference(String(input));
        assert.deepEqual([reference.domain, reference.path, familiarName(reference)], [row.Domain, row.RemoteName, row.FamiliarName]);
      }
    }
    for (const row of rows("TestParseAnyReference")) {
      if (row.Equivalent.startsWith("sha256:")) continue;
      assert.equal(formatReference(parseReference(row.Reference)), row.Equivalent);
    }
  });

  test("names that Docker takes are taken and others refused", { skip: tables.skip }, () => {
    // These tables are plain lists of names.
    const names = (...lists: ReadonlyArray<readonly unknown[]>): readonly string[] => lists.flat() as string[];
    for (const name of names(rows("TestValidateReferenceName", 69), rows("TestValidateRemoteName", 102))) assert.equal(errorOf(name), undefined, name);
    for (const name of names(rows("TestValidateReferenceName", 62), rows("TestValidateRemoteName", 140))) assert.notEqual(errorOf(name), undefined, name);
    for (const row of rows("TestParseNamed")) {
      const canonical = row.err === undefined;
      assert.equal(repositoryName(parseReference(row.input)) === row.input, canonical, row.input);
    }
  });

  test("a name with its registry splits into the same parts", { skip: tables.skip }, () => {
    for (const row of rows("TestReferenceParse")) {
      if (row.err !== undefined || row.domain === "" || !/[.:]|localhost/.test(row.domain)) continue;
      const reference = parseReference(row.input);
      assert.deepEqual([reference.domain, repositoryName(reference), reference.tag ?? "", reference.digest ?? ""], [row.domain, row.repository, row.tag, row.digest]);
    }
    for (const row of [...rows("TestWithTag"), ...rows("TestWithDigest")]) {
      const slash = row.name.indexOf("/");
      const bare: Reference = { domain: row.name.slice(0, Math.max(0, slash)), path: row.name.slice(slash + 1) };
      const tagged = row.tag === "" ? bare : withTag(bare, row.tag);
      assert.equal(formatReference(row.digest === "" ? tagged : withDigest(tagged, row.digest)), row.combined);
    }
  });
});

describe("references", () => {
  test("a tag or digest of the wrong form cannot be attached", () => {
    const alpine = parseReference("alpine");
    assert.throws(() => withTag(alpine, "a:b"), InvalidReferenceError);
    assert.throws(() => withDigest(alpine, "sha256:abc"), InvalidReferenceError);
    assert.equal(isNameOnly(alpine), true);
    assert.equal(isNameOnly(withTag(alpine, "3")), false);
  });

  test("a long hostile name is refused in an instant", () => {
    const startedMs = performance.now();
    assert.notEqual(errorOf(`${"a-".repeat(20_000)}!`), undefined);
    assert.ok(performance.now() - startedMs < 1000);
  });
});
