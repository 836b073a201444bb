import type { Environment } from "../host/environment.ts";
import { findExecutable, searchPath } from "../host/executable.ts";
import { runProcess, type ProcessResult } from "../host/process.ts";

/**
 * What git may see of the caller's environment: where its settings are, and nothing that would point it to another
 * repository. SUDO_UID lets it trust a repository of the user who called sudo.
 */
const PASSED_ON = ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "SUDO_UID"] as const;

/** Never asks, never writes, and runs no program that a repository names. */
const SETTINGS = ["-c", "log.showSignature=false", "-c", "core.fsmonitor=false", "-c", "protocol.file.allow=user"] as const;

/** Runs git in one directory. */
export interface GitCommand {
  run(args: readonly string[], signal: AbortSignal): Promise<ProcessResult>;
  /** First line of what it printed; undefined when it failed or printed nothing. */
  line(args: readonly string[], signal: AbortSignal): Promise<string | undefined>;
}

/** Undefined when the machine has no git. */
export function findGit(directory: string, environment: Environment): GitCommand | undefined {
  const git = findExecutable("git", environment);
  if (git === undefined) return undefined;
  const env = gitEnvironment(environment);
  const run: GitCommand["run"] = (args, signal) => runProcess({ argv: [git, ...SETTINGS, ...args], cwd: directory, env }, signal);
  return {
    run,
    async line(args, signal) {
      const { exitCode, stdout } = await run(args, signal);
      const line = firstLine(stdout);
      return exitCode === 0 && line !== "" ? line : undefined;
    },
  };
}

export function firstLine(output: Buffer): string {
  return output.toString("utf8").split("\n", 1)[0] ?? "";
}

function gitEnvironment(environment: Environment): Environment {
  const passedOn = PASSED_ON.filter((name) => environment[name] !== undefined).map((name) => [name, environment[name]] as const);
  return { ...Object.fromEntries(passedOn), PATH: searchPath(environment), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0" };
}
