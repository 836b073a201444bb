import type { Environment } from "../host/environment.ts";
import { findExecutable, searchPath } from "../host/executable.ts";
import { runProcess, startProcess, type ProcessResult, type RunningProcess } from "../host/process.ts";

/**
 * What git may see of the caller's environment: where its settings are, and nothing that would point it to another
 * repository. SUDO_UID lets it trust a repository of the user who called sudo.
 */
const PASSED_ON = ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "SUDO_UID"] as const;

/**
 * No program that a repository's settings name may run: not to show a signature, to ask what has changed, or after a
 * change. Filters run in no command that is used here.
 */
const SETTINGS = ["--no-pager", "-c", "log.showSignature=false", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"] as const;

/**
 * Never asks, never writes, and takes objects as they are. One that is missing is not fetched: that would run the
 * transport that the repository names. A git that does not know GIT_NO_LAZY_FETCH still finds no transport allowed.
 */
const LIMITS: Environment = {
  LC_ALL: "C",
  GIT_TERMINAL_PROMPT: "0",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_NO_LAZY_FETCH: "1",
  GIT_ALLOW_PROTOCOL: "none",
};

/** Runs git in one directory. */
export interface GitCommand {
  run(args: readonly string[], signal: AbortSignal, input?: Uint8Array): Promise<ProcessResult>;
  /** First line of what it printed; undefined when it failed or printed nothing. */
  line(args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  /** A git to talk with over its three streams. Whoever starts it ends it. */
  start(args: readonly string[]): RunningProcess;
}

/** Undefined when the machine has no git. */
export function findGit(directory: string, environment: Environment): GitCommand | undefined {
  const git = findExecutable("git", environment);
  if (git === undefined) return undefined;
  const env = gitEnvironment(environment);
  const request = (args: readonly string[]): { argv: readonly [string, ...string[]]; cwd: string; env: Environment } => ({ argv: [git, ...SETTINGS, ...args], cwd: directory, env });
  const run: GitCommand["run"] = (args, signal, input = new Uint8Array()) => runProcess({ ...request(args), input }, signal);
  return {
    run,
    async line(args, signal) {
      const { exitCode, stdout } = await run(args, signal);
      const line = firstLine(stdout);
      return exitCode === 0 && line !== "" ? line : undefined;
    },
    start: (args) => startProcess(request(args), ["pipe", "pipe", "pipe"]),
  };
}

export function firstLine(output: Buffer): string {
  return output.toString("utf8").split("\n", 1)[0] ?? "";
}

function gitEnvironment(environment: Environment): Environment {
  const passedOn = PASSED_ON.filter((name) => environment[name] !== undefined).map((name) => [name, environment[name]] as const);
  return { ...Object.fromEntries(passedOn), ...LIMITS, PATH: searchPath(environment) };
}
