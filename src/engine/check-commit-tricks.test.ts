import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { deflateSync } from "node:zlib";
import { isGitProblem, readGitFacts } from "../git/git-facts.ts";
import { objectId } from "../git/object-id.ts";
import { runProcess } from "../host/process.ts";
import { gitSkip as skip, openTestWorkTree, type TestWorkTree } from "../testing/work-tree.ts";
import { check, differences, equal, signal } from "./commit-check.contract.ts";

async function repository(t: TestContext): Promise<TestWorkTree> {
  const repo = await openTestWorkTree(t);
  repo.write("Dockerfile", "FROM scratch\n");
  repo.write("sub/file", "honest");
  await repo.commit();
  return repo;
}

/** As if the object with this id had that content; git believes it. */
function forge({ root }: TestWorkTree, id: string, type: string, content: Buffer): void {
  const path = join(root, ".git/objects", id.slice(0, 2), id.slice(2));
  mkdirSync(join(path, ".."), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, deflateSync(Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content])));
}

for (const flag of ["--assume-unchanged", "--skip-worktree"]) {
  test(`${flag} hides a change from git and not from the check`, { skip }, async (t) => {
    const repo = await repository(t);
    await repo.git("update-index", flag, "sub/file");
    repo.write("sub/file", "changed");
    assert.equal(await repo.git("status", "--porcelain"), "");
    assert.deepEqual(differences(await check(repo)), ["sub/file: other content"]);
  });
}

test("a change that keeps size and time is seen, and so is one that is only in the index", { skip }, async (t) => {
  const repo = await repository(t);
  const path = join(repo.root, "sub/file");
  const { atime, mtime } = statSync(path);
  await repo.git("config", "core.trustctime", "false");
  await repo.git("config", "core.checkStat", "minimal");
  utimesSync(join(repo.root, ".git/index"), 4_000_000_000, 4_000_000_000);
  writeFileSync(path, "HONEST");
  utimesSync(path, atime, mtime);
  assert.deepEqual(differences(await check(repo)), ["sub/file: other content"]);
  repo.write("sub/file", "staged");
  await repo.git("add", "-A");
  assert.deepEqual(differences(await check(repo)), ["sub/file: other content"]);
});

test("replaced and grafted objects stand for nothing", { skip }, async (t) => {
  const repo = await repository(t);
  const honest = await repo.git("rev-parse", "HEAD");
  repo.write("sub/file", "changed");
  const forged = await repo.commit();
  await repo.git("reset", "--quiet", "--soft", honest);
  const ids = async (commit: string): Promise<string[]> => (await repo.git("rev-parse", commit, `${commit}^{tree}`, `${commit}:sub`, `${commit}:sub/file`)).split("\n");
  const [from, to] = [await ids(honest), await ids(forged)];
  for (const [i, id] of from.entries()) await repo.git("replace", "-f", id, to[i] ?? "");
  writeFileSync(join(repo.root, ".git/info/grafts"), `${honest} ${forged}\n`);
  assert.deepEqual(differences(await check(repo)), ["sub/file: other content"]);
  repo.write("sub/file", "honest");
  assert.deepEqual(await check(repo), equal(2));
});

test("an object store that lies about a commit, a tree or a pointer is found out", { skip }, async (t) => {
  const repo = await repository(t);
  const [commit, tree] = [await repo.git("rev-parse", "HEAD"), await repo.git("rev-parse", "HEAD:sub")];
  const changed = objectId("sha1", "blob", Buffer.from("changed"));
  repo.write("sub/file", "changed");
  forge(repo, tree, "tree", Buffer.concat([Buffer.from("100644 file\0"), Buffer.from(changed, "hex")]));
  assert.match(await repo.git("ls-tree", "-r", "HEAD"), new RegExp(changed), "git believes it");
  const found = await check(repo);
  assert.deepEqual(found, { kind: "unchecked", cause: "object-damaged", problem: `tree ${tree} has other content than its id says` });
  forge(repo, commit, "commit", Buffer.from(`tree ${"1".repeat(40)}\n\nx\n`));
  assert.equal((await check(repo)).kind, "unchecked");
});

test("objects may lie elsewhere, and are still what their ids say", { skip }, async (t) => {
  const repo = await repository(t);
  const borrower = await openTestWorkTree(t);
  await borrower.git("pull", "--quiet", repo.root, "HEAD");
  rmSync(join(borrower.root, ".git/objects"), { recursive: true });
  mkdirSync(join(borrower.root, ".git/objects/info"), { recursive: true });
  writeFileSync(join(borrower.root, ".git/objects/info/alternates"), `${repo.root}/.git/objects\n`);
  assert.deepEqual(await check(borrower), equal(2));
  borrower.write("sub/file", "changed");
  assert.deepEqual(differences(await check(borrower)), ["sub/file: other content"]);
});

/** Settings and hooks that each leave a trace when git runs what they name. */
async function hostile(t: TestContext, repo: TestWorkTree): Promise<{ readonly ran: () => readonly string[] }> {
  const traces = mkdtempSync(join(tmpdir(), "stemma-traces-"));
  t.after(() => rmSync(traces, { recursive: true, force: true }));
  const script = join(traces, "program");
  writeFileSync(script, `#!/bin/sh\necho ran >>'${traces}/ran'\nexit 1\n`);
  chmodSync(script, 0o755);
  const settings = [
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.gitProxy", "core.askPass", "core.alternateRefsCommand", "credential.helper", "diff.external", "gpg.program",
    "diff.x.command", "diff.x.textconv", "filter.x.clean", "filter.x.smudge", "filter.x.process", "merge.x.driver", "alias.rev-parse", "alias.cat-file", "alias.config", "alias.check-attr",
    "remote.origin.uploadpack", "sequence.editor", "uploadpack.packObjectsHook", "pager.rev-parse", "pager.config",
  ];
  for (const name of settings) await repo.git("config", name, name.startsWith("alias.") ? `!${script}` : script);
  for (const [name, value] of [["log.showSignature", "true"], ["remote.origin.promisor", "true"], ["extensions.partialClone", "origin"], ["core.repositoryformatversion", "1"], ["remote.origin.url", repo.root], ["protocol.file.allow", "always"], ["protocol.ext.allow", "always"]] as const) {
    await repo.git("config", name, value);
  }
  mkdirSync(join(repo.root, ".git/hooks"), { recursive: true });
  for (const hook of ["post-index-change", "fsmonitor-watchman", "reference-transaction", "post-checkout", "pre-auto-gc"]) writeFileSync(join(repo.root, ".git/hooks", hook), readFileSync(script), { mode: 0o755 });
  return { ran: () => (existsSync(join(traces, "ran")) ? readFileSync(join(traces, "ran"), "utf8").trim().split("\n") : []) };
}

test("no program runs that a repository's settings, attributes or hooks name", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write(".gitattributes", "*.x filter=x diff=x merge=x\n*.txt text ident\n");
  repo.write("a.x", "a");
  repo.write("a.txt", "a\r\n$Id$");
  await repo.commit();
  await repo.git("update-index", "--fsmonitor");
  const { ran } = await hostile(t, repo);
  repo.write("a.x", "b");
  assert.deepEqual(differences(await check(repo)), ["a.x: filter x not understood"]);
  const facts = await readGitFacts(repo.root, join(repo.root, "Dockerfile"), { ...repo.env, BUILDX_GIT_CHECK_DIRTY: "1" }, signal);
  assert.ok(facts !== undefined && !isGitProblem(facts) && facts.commit !== undefined && facts.remote === repo.root);
  assert.deepEqual(ran(), []);
  await repo.git("status").catch(() => undefined);
  assert.notDeepEqual(ran(), [], "git itself runs them");
});

test("an object that is missing is not fetched by the program that the repository names", { skip }, async (t) => {
  const repo = await repository(t);
  const tree = await repo.git("rev-parse", "HEAD:sub");
  const { ran } = await hostile(t, repo);
  rmSync(join(repo.root, ".git/objects", tree.slice(0, 2), tree.slice(2)));
  repo.write("sub/file", "changed");
  assert.deepEqual(await check(repo), { kind: "unchecked", cause: "object-missing", problem: `tree ${tree} is not in the repository` });
  const commit = await repo.git("rev-parse", "HEAD");
  rmSync(join(repo.root, ".git/objects", commit.slice(0, 2), commit.slice(2)));
  const facts = await readGitFacts(repo.root, undefined, repo.env, signal);
  assert.ok(facts !== undefined && !isGitProblem(facts) && facts.commit === commit);
  assert.equal((await check(repo)).kind, "unchecked");
  assert.deepEqual(ran(), []);
  await repo.git("cat-file", "-p", tree).catch(() => undefined);
  assert.notDeepEqual(ran(), [], "git itself fetches");
});

test("of a partial clone whose old trees are far away the commit is known and checked", { skip }, async (t) => {
  const repo = await repository(t);
  repo.write("sub/file", "newer");
  await repo.commit();
  await repo.git("config", "uploadpack.allowFilter", "true");
  await repo.git("clone", "--quiet", "--filter=tree:0", `file://${repo.root}`, join(repo.root, "clone"));
  const clone = { ...repo, root: join(repo.root, "clone"), git: async (...args: readonly string[]) => await repo.git("-C", join(repo.root, "clone"), ...args) };
  const facts = await readGitFacts(clone.root, undefined, repo.env, signal);
  assert.ok(facts !== undefined && !isGitProblem(facts));
  assert.equal(facts.commit, await repo.git("rev-parse", "HEAD"));
  assert.deepEqual(await check(clone), equal(2));
});

test("a repository of another user is refused by git, and told as that", { skip: skip || (process.getuid?.() === 0 ? false : "only root can give files away") }, async (t) => {
  const repo = await repository(t);
  await repo.git("config", "core.fsmonitor", "false");
  assert.equal((await runProcess({ argv: ["chown", "-R", "1234:1234", repo.root], env: repo.env }, signal)).exitCode, 0);
  for (const directory of ["", "sub"]) {
    const facts = await readGitFacts(join(repo.root, directory), undefined, repo.env, signal);
    assert.ok(facts !== undefined && isGitProblem(facts) && facts.isRefused);
    assert.match(facts.problem, /^failed to read current commit information with git rev-parse --is-inside-work-tree: fatal: (?:detected dubious ownership|unsafe repository)/);
  }
});
