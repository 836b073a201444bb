import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "../host/environment.ts";
import { findExecutable } from "../host/executable.ts";
import { runProcess } from "../host/process.ts";

/** For node:test: the reason to skip, or false. */
export const gitSkip: string | false = findExecutable("git", process.env) === undefined ? "git is missing" : false;

/** A repository with its work tree, gone after the test. */
export interface TestWorkTree {
  /** Symbolic links resolved. */
  readonly root: string;
  /** For git, with nobody's settings in it. */
  readonly env: Environment;
  /** What git prints. Throws when it fails. */
  git(...args: readonly string[]): Promise<string>;
  /** The same with standard input. */
  gitWith(input: string | Uint8Array, ...args: readonly string[]): Promise<string>;
  write(path: string, content: string | Uint8Array): void;
  /** All that is there; returns the commit. */
  commit(): Promise<string>;
}

/** What `after` of a test, or of a file, is. */
export interface Ending {
  after(end: () => void): void;
}

/** After each commit, git would start itself once more to look whether there is much to pack. */
const UNPACKED = ["-c", "gc.auto=0", "-c", "maintenance.auto=false"];
const IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", ...UNPACKED];

export async function openTestWorkTree(t: Ending, format: "sha1" | "sha256" = "sha1"): Promise<TestWorkTree> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "stemma-git-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const tree = testWorkTree(root);
  await tree.git("init", "-q", `--object-format=${format}`);
  return tree;
}

/** One that git makes, or has made, itself. */
export function testWorkTree(root: string): TestWorkTree {
  const env = { PATH: process.env["PATH"], HOME: dirname(root), GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
  const gitWith: TestWorkTree["gitWith"] = async (input, ...args) => {
    const { exitCode, stdout, stderr } = await runProcess({ argv: ["git", ...IDENTITY, ...args], cwd: root, env, input }, AbortSignal.timeout(60_000));
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.toString("utf8")}`);
    return stdout.toString("utf8").trim();
  };
  const git: TestWorkTree["git"] = async (...args) => await gitWith("", ...args);
  return {
    root, env, git, gitWith,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    },
    async commit() {
      await git("add", "-A");
      // Which branch, and in brackets with that, which commit: in words of one line.
      const said = await git("-c", "core.abbrev=no", "commit", "--allow-empty", "-m", "x");
      const [, commit] = /^\[.* ([0-9a-f]{40,64})\] x$/m.exec(said) ?? [];
      if (commit === undefined) throw new Error(`git commit does not say which: ${said}`);
      return commit;
    },
  };
}
