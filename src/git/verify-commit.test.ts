import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { findExecutable } from "../host/executable.ts";
import { gitBlobHash, verifyCommit, type CommitCheck, type UsedFile } from "./verify-commit.ts";

const skip = findExecutable("git", process.env) === undefined ? "git is missing" : false;
const { signal } = new AbortController();
const TREE = ["Dockerfile", "run.sh", "link", "sub/ü b.txt"];

interface Checkout {
  readonly root: string;
  readonly commit: string;
  readonly use: (path: string) => UsedFile;
  readonly check: (paths: readonly string[], expects?: (path: string) => boolean) => Promise<CommitCheck>;
}

function checkout(t: TestContext, format: "sha1" | "sha256" = "sha1"): Checkout {
  const root = mkdtempSync(join(tmpdir(), "stemma-verify-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const git = (...args: string[]): string => execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...args], { cwd: root, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  git("init", `--object-format=${format}`);
  mkdirSync(join(root, "sub"));
  writeFileSync(join(root, "Dockerfile"), "FROM scratch\n");
  writeFileSync(join(root, "run.sh"), "#!/bin/sh\n");
  chmodSync(join(root, "run.sh"), 0o755);
  symlinkSync("run.sh", join(root, "link"));
  writeFileSync(join(root, "sub/ü b.txt"), "text");
  git("add", "-A");
  git("commit", "-m", "x");
  const commit = git("rev-parse", "HEAD");
  const use = (path: string): UsedFile => {
    const { mode } = lstatSync(join(root, path));
    const kind = (mode & 0o170000) === 0o120000 ? "symlink" : "file";
    const content = kind === "symlink" ? Buffer.from(readlinkSync(join(root, path))) : readFileSync(join(root, path));
    return { path, kind, mode, blob: gitBlobHash(commit, content.byteLength).update(content).digest("hex") };
  };
  const check: Checkout["check"] = (paths, expects) => verifyCommit({ root, commit, ...(expects === undefined ? {} : { expects }) }, paths.map(use), env, signal);
  return { root, commit, use, check };
}

test("files that equal the commit's tree verify it", { skip }, async (t) => {
  const { check, commit } = checkout(t);
  assert.deepEqual(await check(TREE), { commit, verified: true, files: 4 });
});

test("a repository with sha256 ids is verified by its own ids", { skip }, async (t) => {
  const { check, commit } = checkout(t, "sha256");
  assert.equal(commit.length, 64);
  assert.equal((await check(TREE)).verified, true);
});

test("a part of the tree is enough, and what was not used may differ", { skip }, async (t) => {
  const { check, root } = checkout(t);
  writeFileSync(join(root, "Dockerfile"), "FROM other\n");
  assert.equal((await check(["run.sh"])).verified, true);
});

test("each kind of difference is named", { skip }, async (t) => {
  const { check, commit, root } = checkout(t);
  writeFileSync(join(root, "Dockerfile"), "FROM other\n");
  chmodSync(join(root, "run.sh"), 0o644);
  writeFileSync(join(root, "untracked"), "x");
  assert.deepEqual(await check(["Dockerfile", "run.sh", "link", "untracked"], (path) => path.startsWith("sub/")), {
    commit,
    verified: false,
    files: 4,
    differing: 4,
    first: [
      { path: "Dockerfile", reason: "other content" },
      { path: "run.sh", reason: "other mode" },
      { path: "untracked", reason: "not in the commit" },
      { path: "sub/ü b.txt", reason: "missing" },
    ],
    problem: undefined,
  });
});

test("a link that became a file is a difference", { skip }, async (t) => {
  const { check, root } = checkout(t);
  rmSync(join(root, "link"));
  writeFileSync(join(root, "link"), "run.sh");
  const result = await check(["link"]);
  assert.deepEqual(result.verified ? [] : result.first, [{ path: "link", reason: "other mode" }]);
});

test("files that come as a stream are checked as they come, and an abort ends the check", { skip }, async (t) => {
  const { root, commit, use } = checkout(t);
  async function* stream(): AsyncGenerator<UsedFile> {
    for (const path of TREE) yield await Promise.resolve(use(path));
  }
  assert.equal((await verifyCommit({ root, commit }, stream(), process.env, signal)).verified, true);
  await assert.rejects(verifyCommit({ root, commit }, stream(), process.env, AbortSignal.abort(new Error("stopped"))), /stopped/);
});

test("no file, an unknown commit and a place that is no repository verify nothing", { skip }, async (t) => {
  const { check, root } = checkout(t);
  assert.deepEqual((await check([])).verified, false);
  const unknown = await verifyCommit({ root, commit: "0".repeat(40) }, [], process.env, signal);
  assert.match(unknown.verified ? "" : (unknown.problem ?? ""), /ls-tree failed/);
});
