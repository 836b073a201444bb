import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Environment } from "../host/environment.ts";
import { findExecutable } from "../host/executable.ts";
import { isGitProblem, readGitFacts, type GitFacts } from "./git-facts.ts";
import { gitOptions, withGitOptions } from "./git-options.ts";

const skip = findExecutable("git", process.env) === undefined ? "git is missing" : false;
const { signal } = new AbortController();

interface Repository {
  readonly root: string;
  readonly env: Environment;
  readonly git: (...args: string[]) => string;
  readonly write: (path: string, text: string) => void;
  readonly facts: (more?: { context?: string; dockerfile?: string; env?: Environment }) => Promise<GitFacts>;
}

function repository(t: TestContext): Repository {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "stemma-git-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", ...args], { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  const write = (path: string, text: string): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  git("init");
  write("Dockerfile", "FROM scratch\n");
  return {
    root, env, git, write,
    async facts(more = {}) {
      const facts = await readGitFacts(join(root, more.context ?? ""), join(root, more.dockerfile ?? "Dockerfile"), { ...env, ...more.env }, signal);
      assert.ok(facts !== undefined && !isGitProblem(facts));
      return facts;
    },
  };
}

function commit({ git }: Repository): string {
  git("add", "-A");
  git("commit", "-m", "x");
  return git("rev-parse", "HEAD");
}

test("a commit, its remote and the directories become options and labels", { skip }, async (t) => {
  const repo = repository(t);
  repo.write("app/Dockerfile", "FROM scratch\n");
  const head = commit(repo);
  repo.git("remote", "add", "origin", "https://example.com/a.git");
  const env = { BUILDX_GIT_LABELS: "1" };
  const facts = await repo.facts({ dockerfile: "app/Dockerfile", env });
  assert.deepEqual(gitOptions(facts, env), {
    labels: {
      "com.docker.image.source.entrypoint": "app/Dockerfile",
      "org.opencontainers.image.revision": head,
      "org.opencontainers.image.source": "https://example.com/a.git",
    },
    vcs: {
      "vcs:localdir:context": ".",
      "vcs:localdir:dockerfile": "app",
      "vcs:revision": head,
      "vcs:source": "https://example.com/a.git",
    },
  });
  assert.deepEqual(gitOptions(facts, {}).labels, {}, "labels are off unless asked for");
  assert.deepEqual(gitOptions(facts, { BUILDX_GIT_INFO: "0", BUILDX_GIT_LABELS: "full" }).vcs, {});
});

test("a context outside any repository has no facts, and none are read when none are wanted", { skip }, async (t) => {
  const outside = mkdtempSync(join(tmpdir(), "stemma-nogit-"));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  assert.equal(await readGitFacts(outside, undefined, { PATH: process.env["PATH"] }, signal), undefined);
  const repo = repository(t);
  assert.equal(await readGitFacts(repo.root, undefined, { ...repo.env, BUILDX_GIT_INFO: "false" }, signal), undefined);
});

test("before the first commit there is no revision, but the entrypoint is known", { skip }, async (t) => {
  const env = { BUILDX_GIT_LABELS: "1" };
  const facts = await repository(t).facts({ env });
  assert.equal(facts.commit, undefined);
  assert.deepEqual(gitOptions(facts, env), {
    labels: { "com.docker.image.source.entrypoint": "Dockerfile" },
    vcs: { "vcs:localdir:context": ".", "vcs:localdir:dockerfile": "." },
  });
});

test("a repository that git cannot read is a problem to report, never a failure", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "stemma-nogit-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, ".git"));
  const facts = await readGitFacts(directory, undefined, { PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: "/dev/null" }, signal);
  assert.ok(facts !== undefined && isGitProblem(facts));
  assert.deepEqual(gitOptions(facts, { BUILDX_GIT_LABELS: "1" }), { labels: {}, vcs: {} });
});

test("the remote is the followed one, else origin, else upstream, and no other", { skip }, async (t) => {
  const repo = repository(t);
  commit(repo);
  repo.git("remote", "add", "other", "https://example.com/other.git");
  assert.equal((await repo.facts()).remote, undefined);
  repo.git("remote", "add", "upstream", "https://example.com/upstream.git");
  assert.equal((await repo.facts()).remote, "https://example.com/upstream.git");
  repo.git("remote", "add", "origin", "https://example.com/origin.git");
  assert.equal((await repo.facts()).remote, "https://example.com/origin.git");
  repo.git("config", "branch.main.remote", "other");
  repo.git("config", "branch.main.merge", "refs/heads/main");
  assert.equal((await repo.facts()).remote, "https://example.com/other.git");
  repo.git("checkout", "--detach");
  assert.equal((await repo.facts()).remote, "https://example.com/origin.git", "a detached HEAD follows nothing");
});

test("credentials in a remote are masked, and a user of ssh's short form is none", { skip }, async (t) => {
  const repo = repository(t);
  commit(repo);
  const cases = [
    ["https://user:pass@example.com/a.git", "https://xxxxx:xxxxx@example.com/a.git"],
    ["https://token@example.com/a.git", "https://xxxxx@example.com/a.git"],
    ["git@example.com:owner/a.git", "git@example.com:owner/a.git"],
  ] as const;
  repo.git("remote", "add", "origin", "x");
  for (const [url, expected] of cases) {
    repo.git("remote", "set-url", "origin", url);
    assert.equal((await repo.facts()).remote, expected);
  }
});

test("a worktree has its own revision", { skip }, async (t) => {
  const repo = repository(t);
  const first = commit(repo);
  repo.git("worktree", "add", "-b", "side", join(repo.root, "side"));
  repo.write("more", "x");
  assert.notEqual(commit(repo), first);
  const facts = await repo.facts({ context: "side", dockerfile: "side/Dockerfile" });
  assert.equal(facts.commit, first);
  assert.equal(facts.contextPath, ".");
});

test("a Dockerfile outside the repository has no place in it", { skip }, async (t) => {
  const repo = repository(t);
  commit(repo);
  const facts = await readGitFacts(repo.root, join(tmpdir(), "elsewhere", "Dockerfile"), repo.env, signal);
  assert.ok(facts !== undefined && !isGitProblem(facts));
  assert.equal(facts.dockerfilePath, undefined);
});

test("a context that is reached by a symbolic link is where the link points", { skip }, async (t) => {
  const repo = repository(t);
  repo.write("sub/Dockerfile", "FROM scratch\n");
  commit(repo);
  const link = `${repo.root}-link`;
  symlinkSync(join(repo.root, "sub"), link);
  t.after(() => rmSync(link));
  const facts = await readGitFacts(link, join(link, "Dockerfile"), repo.env, signal);
  assert.ok(facts !== undefined && !isGitProblem(facts));
  assert.deepEqual([facts.contextPath, facts.dockerfilePath], ["sub", "sub/Dockerfile"]);
});

test("a label of the user beats the repository's", () => {
  const git = { labels: { "org.opencontainers.image.revision": "abc", "org.opencontainers.image.source": "url" }, vcs: { "vcs:revision": "abc" } };
  assert.deepEqual(withGitOptions({ "label:org.opencontainers.image.revision": "mine", "no-cache": "" }, git), {
    "label:org.opencontainers.image.revision": "mine",
    "label:org.opencontainers.image.source": "url",
    "no-cache": "",
    "vcs:revision": "abc",
  });
});
