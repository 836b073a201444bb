import assert from "node:assert/strict";
import {
  familiarName, familiarString, formatReference, InvalidReferenceError, parseReference, repositoryName, tagNameOnly, trimReference, withDigest, withTag,
  type Reference,
} from "../../../src/oci/reference.ts";
import type { RowChecks } from "./row-check.ts";

interface OracleCase {
  readonly input: string;
  readonly error?: string;
  readonly [field: string]: string | undefined;
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

const TABLES = "tbl_distribution_reference.json#";

/** Names of images. */
export const REFERENCE_CHECKS: RowChecks = {
  "reference_oracle.json#cases": ({ parse: _parse, parseError: _parseError, ...wanted }: OracleCase) => {
    if (wanted.error === undefined) assert.deepEqual(describeAll(wanted.input), wanted);
    else assert.equal(errorOf(wanted.input), wanted.error);
  },
  [`${TABLES}TestParseDockerRef`]: (row: Row) => {
    const tagged = tagNameOnly(parseReference(row.input));
    const reference: Reference = tagged.digest === undefined ? tagged : withDigest(trimReference(tagged), tagged.digest);
    assert.equal(formatReference(reference), row.expected);
  },
  [`${TABLES}TestNormalizedSplitHostname`]: (row: Row) => {
    const { domain, path } = parseReference(row.input);
    assert.deepEqual([domain, path], [row.domain, row.path]);
  },
  [`${TABLES}TestParseRepositoryInfo`]: (row: Row) => {
    for (const input of [row.FullName, row.FamiliarName, row.AmbiguousName].filter((name) => name !== "")) {
      const reference = parseReference(input);
      assert.deepEqual([reference.domain, reference.path, familiarName(reference)], [row.Domain, row.RemoteName, row.FamiliarName]);
    }
  },
  [`${TABLES}TestParseAnyReference`]: (row: Row) => assert.equal(formatReference(parseReference(row.Reference)), row.Equivalent),
  [`${TABLES}TestValidateReferenceName:69`]: (name: string) => assert.equal(errorOf(name), undefined),
  [`${TABLES}TestValidateRemoteName:102`]: (name: string) => assert.equal(errorOf(name), undefined),
  [`${TABLES}TestValidateReferenceName:62`]: (name: string) => assert.notEqual(errorOf(name), undefined),
  [`${TABLES}TestValidateRemoteName:140`]: (name: string) => assert.notEqual(errorOf(name), undefined),
  [`${TABLES}TestParseNamed`]: (row: Row) => assert.equal(repositoryName(parseReference(row.input)) === row.input, row.err === undefined),
  [`${TABLES}TestReferenceParse`]: (row: Row) => {
    const reference = parseReference(row.input);
    assert.deepEqual([reference.domain, repositoryName(reference), reference.tag ?? "", reference.digest ?? ""], [row.domain, row.repository, row.tag, row.digest]);
  },
  [`${TABLES}TestWithTag`]: checkCombined,
  [`${TABLES}TestWithDigest`]: checkCombined,
};

function checkCombined(row: Row): void {
  const slash = row.name.indexOf("/");
  const bare: Reference = { domain: row.name.slice(0, Math.max(0, slash)), path: row.name.slice(slash + 1) };
  const tagged = row.tag === "" ? bare : withTag(bare, row.tag);
  assert.equal(formatReference(row.digest === "" ? tagged : withDigest(tagged, row.digest)), row.combined);
}
