import { lstat, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import type { Environment } from "../host/environment.ts";
import { redactUrl } from "../scrub/url.ts";
import { findGit, firstLine, type GitCommand } from "./git-command.ts";
import { gitSettings } from "./git-settings.ts";

/** What git says of the place that a context directory has in a repository. Claims: nothing here says which bytes were used. */
export interface GitFacts {
  /** Top of the work tree, symbolic links resolved. */
  readonly root: string;
  /** Undefined before the first commit. */
  readonly commit: string | undefined;
  /** URL of the remote, credentials masked. */
  readonly remote: string | undefined;
  /** Of the context directory, relative to `root` (`.` for the top). Undefined when it is outside. */
  readonly contextPath: string | undefined;
  /** Of the Dockerfile, relative to `root`. Undefined when it is outside, or no file. */
  readonly dockerfilePath: string | undefined;
}

/** A repository is there, but it could not be read. The build goes on without its facts. */
export interface GitProblem {
  readonly problem: string;
  /** Git would not look at it, since it belongs to another user. */
  readonly isRefused: boolean;
}

const UNREADABLE = "failed to read current commit information with git rev-parse --is-inside-work-tree";
const REFUSAL = /dubious ownership|unsafe repository/;

/**
 * Undefined when the context is in no repository, or when BUILDX_GIT_LABELS and BUILDX_GIT_INFO want nothing of it.
 * `dockerfilePath` is undefined when the Dockerfile is no file. Rejects only with `signal.reason`.
 */
export async function readGitFacts(contextDir: string, dockerfilePath: string | undefined, env: Environment, signal: AbortSignal): Promise<GitFacts | GitProblem | undefined> {
  const settings = gitSettings(env);
  if (!settings.labels && !settings.info) return undefined;
  // To ask git takes 10 ms and more; it looks for nothing else, from here upwards.
  if (!(await mayBeInRepository(contextDir))) return undefined;
  const git = findGit(contextDir, env);
  if (git === undefined) return problemIfRepository(contextDir, "git was not found in the system");
  const inside = await git.run(["rev-parse", "--is-inside-work-tree", "--show-toplevel"], signal);
  const [isInside, top = ""] = inside.stdout.toString("utf8").split("\n");
  if (inside.exitCode !== 0 && REFUSAL.test(firstLine(inside.stderr))) return { problem: `${UNREADABLE}: ${firstLine(inside.stderr)}`, isRefused: true };
  if (inside.exitCode !== 0 || isInside !== "true") return problemIfRepository(contextDir, UNREADABLE);
  const [root, commit, remote] = await Promise.all([realpath(top), readCommit(git, signal), readRemote(git, signal)]);
  if (typeof commit === "object") return commit;
  return {
    root,
    commit,
    remote: remote === undefined ? undefined : redactUrl(remote),
    contextPath: await pathWithinRoot(root, contextDir),
    dockerfilePath: dockerfilePath === undefined ? undefined : await pathWithinRoot(root, dockerfilePath),
  };
}

/** Where an existing file or directory is within a repository; undefined when it is not. A link is where it is, not where it points. */
export async function pathWithinRoot(root: string, path: string): Promise<string | undefined> {
  const directory = await resolved(path);
  if (directory === undefined) return undefined;
  const within = relative(root, directory);
  if (within === ".." || within.startsWith(`..${sep}`) || isAbsolute(within)) return undefined;
  return within === "" ? "." : within;
}

export function isGitProblem(facts: GitFacts | GitProblem): facts is GitProblem {
  return "problem" in facts;
}

async function resolved(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path);
    return join(await realpath(dirname(path)), basename(path));
  } catch {
    return undefined; // A path that is not there is not in the repository either.
  }
}

async function mayBeInRepository(directory: string): Promise<boolean> {
  const real = await realpath(directory).catch(() => undefined);
  for (let at = real; at !== undefined; at = dirname(at) === at ? undefined : dirname(at)) {
    // What cannot be looked at may be one.
    const isAbsent = await lstat(join(at, ".git")).then(() => false, (error: NodeJS.ErrnoException) => error.code === "ENOENT");
    if (!isAbsent) return true;
  }
  return real === undefined;
}

async function problemIfRepository(contextDir: string, problem: string): Promise<GitProblem | undefined> {
  const found = await stat(join(contextDir, ".git")).catch(() => undefined);
  return found?.isDirectory() === true ? { problem, isRefused: false } : undefined;
}

/** The name of the commit, without a look at its objects: of a partial clone they may be far away. */
async function readCommit(git: GitCommand, signal: AbortSignal): Promise<string | GitProblem | undefined> {
  const { exitCode, stdout, stderr } = await git.run(["rev-parse", "--verify", "HEAD"], signal);
  if (exitCode === 0) return firstLine(stdout);
  const message = stderr.toString("utf8").trim();
  if (message.includes("Needed a single revision")) return undefined;
  return { problem: `failed to get git commit: ${message}`, isRefused: false };
}

/** The remote that the current branch follows, else `origin`, else `upstream`. */
async function readRemote(git: GitCommand, signal: AbortSignal): Promise<string | undefined> {
  const branch = await git.line(["symbolic-ref", "-q", "HEAD"], signal);
  const followed = branch === undefined ? undefined : await git.line(["for-each-ref", "--format=%(upstream:remotename)", branch], signal);
  for (const name of [followed, "origin", "upstream"]) {
    const url = name === undefined ? undefined : await git.line(["remote", "get-url", name], signal);
    if (url !== undefined) return url;
  }
  return undefined;
}
