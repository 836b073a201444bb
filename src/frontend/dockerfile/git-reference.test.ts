import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { gitRequest, parseGitReference, urlFilename, type GitReference } from "./git-reference.ts";

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

const oracle = conformance<{ readonly cases: readonly OracleRow[] }>("vectors/gitref_oracle.json");

test("references to repositories are read as by BuildKit", { skip: oracle.skip }, () => {
  for (const row of oracle.read().cases) {
    if (row.isGit && row.error !== null) assert.throws(() => parseGitReference(row.input), { message: row.error }, row.input);
    else assert.deepEqual(parseGitReference(row.input), row.ref === null || row.ref === undefined ? undefined : fromGo(row.ref), row.input);
  }
});

test("a repository's source names it whatever the protocol", { skip: oracle.skip }, () => {
  for (const { input, source } of oracle.read().cases) {
    const git = source === null || source === undefined ? undefined : parseGitReference(input);
    if (git === undefined) continue;
    // The rows were made of remote, ref and subdir alone.
    const { identifier, attrs } = gitRequest({ ...git, submodules: undefined, fetchByCommit: false }, { keepGitDir: false, checksum: "", mtime: "" });
    assert.deepEqual({ identifier, attrs }, source, input);
  }
});

const tables = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly table: unknown }> }>("vectors/tbl_bk_frontend_dockerfile_dfgitutil.json");

test("the table of BuildKit's own test of git references holds", { skip: tables.skip }, () => {
  // The name of the table says what its rows are.
  const rows = tables.read().tables.find(({ func }) => func === "TestParseGitRef")?.table as ReadonlyArray<{ readonly ref: string; readonly err: string; readonly expected?: GoReference }>;
  for (const { ref, err, expected } of rows) {
    if (err !== "") assert.throws(() => parseGitReference(ref), new RegExp(err), ref);
    else assert.deepEqual(withoutFlags(parseGitReference(ref)), expected === undefined ? undefined : withoutFlags(fromGo(expected)), ref);
  }
});

const functions = conformance<{ readonly cases: ReadonlyArray<{ readonly fn: string; readonly in: string; readonly out: string }> }>("vectors/go_functions_oracle.json");

test("what a URL gives is stored under the last part of its path", { skip: functions.skip }, () => {
  const rows = functions.read().cases.filter(({ fn }) => fn === "ADD http filename");
  assert.ok(rows.length > 0);
  for (const row of rows) assert.equal(urlFilename(row.in), row.out, row.in);
});

test("a repository over SSH gets the agent and keeps its own form", () => {
  const git = parseGitReference("git@example.com:a/b.git#main") ?? assert.fail("no repository");
  const { identifier, attrs } = gitRequest(git, { keepGitDir: true, checksum: "", mtime: "" });
  assert.equal(identifier, "git://example.com/a/b.git#main");
  assert.deepEqual(attrs, {
    "git.authheadersecret": "GIT_AUTH_HEADER", "git.authtokensecret": "GIT_AUTH_TOKEN",
    "git.fullurl": "git@example.com:a/b.git", "git.keepgitdir": "true", "git.mountsshsock": "default",
  });
});

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
