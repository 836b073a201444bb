import assert from "node:assert/strict";
import { gitRequest, parseGitReference, type GitReference } from "../../../src/frontend/dockerfile/git-reference.ts";
import type { RowChecks } from "./row-check.ts";

interface GoReference {
  readonly Remote: string;
  readonly Ref: string;
  readonly Checksum: string;
  readonly SubDir: string;
  readonly IndistinguishableFromLocal: boolean;
  readonly KeepGitDir?: boolean | null;
  readonly Submodules?: boolean | null;
  readonly MTime: string;
  readonly FetchByCommit: boolean;
}

interface OracleRow {
  readonly input: string;
  readonly isGit: boolean;
  readonly error: string | null;
  readonly ref?: GoReference | null;
  readonly source?: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> } | null;
}

/** References to repositories, and the sources that they become. */
export const GIT_CHECKS: RowChecks = {
  "gitref_oracle.json#cases": (row: OracleRow) => {
    if (row.isGit && row.error !== null) assert.throws(() => parseGitReference(row.input), { message: row.error });
    else assert.deepEqual(parseGitReference(row.input), row.ref === null || row.ref === undefined ? undefined : fromGo(row.ref));
    checkSource(row);
  },
  "tbl_bk_frontend_dockerfile_dfgitutil.json#TestParseGitRef": ({ ref, err, expected }: { readonly ref: string; readonly err: string; readonly expected?: GoReference }) => {
    if (err !== "") assert.throws(() => parseGitReference(ref), new RegExp(err));
    else assert.deepEqual(withoutFlags(parseGitReference(ref)), expected === undefined ? undefined : withoutFlags(fromGo(expected)));
  },
};

function checkSource({ input, source }: OracleRow): void {
  const git = source === null || source === undefined ? undefined : parseGitReference(input);
  if (git === undefined) return;
  // The rows were made of remote, ref and subdir alone.
  const { identifier, attrs } = gitRequest({ ...git, submodules: undefined, fetchByCommit: false }, { keepGitDir: false, checksum: "", mtime: "" });
  assert.deepEqual({ identifier, attrs }, source);
}

function fromGo(go: GoReference): GitReference {
  return {
    remote: go.Remote, ref: go.Ref, checksum: go.Checksum, subdir: go.SubDir, looksLocal: go.IndistinguishableFromLocal,
    keepGitDir: go.KeepGitDir ?? undefined, submodules: go.Submodules ?? undefined, mtime: go.MTime, fetchByCommit: go.FetchByCommit,
  };
}

/** The table lost its pointers to booleans. */
function withoutFlags(git: GitReference | undefined): GitReference | undefined {
  return git === undefined ? undefined : { ...git, keepGitDir: undefined, submodules: undefined };
}
