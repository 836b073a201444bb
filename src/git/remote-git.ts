import type { Environment } from "../host/environment.ts";
import { findExecutable, searchPath } from "../host/executable.ts";
import { startProcess } from "../host/process.ts";
import { scrubText } from "../scrub/scrubber.ts";

/** What a git that talks to a server may work with. Nothing of the caller's own git settings is read. */
export interface RemoteGitOptions {
  /** Search path, proxies and authorities are taken from it. */
  readonly env: Environment;
  /** Settings that hold for submodules too. They travel in the environment: a credential must not stand in a command line. */
  readonly settings: ReadonlyArray<readonly [name: string, value: string]>;
  /** File with the authorities to believe, where the machine's are not enough. */
  readonly authorities: string | undefined;
  /** For ssh: the agent's socket, and where host keys are remembered. */
  readonly ssh: { readonly agentSocket: string | undefined; readonly knownHosts: string };
  /**
   * An open file that each git inherits, and so keeps a lock on it held: the git of who is killed goes on for a
   * moment, and nobody else may begin before it ends.
   */
  readonly lock: number | undefined;
}

export interface RemoteGitResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** The same as it came. */
  readonly bytes: Buffer;
  /** What it complained of, without credentials. */
  readonly complaint: string;
}

/** Runs git. Rejects with `signal.reason` once git and all that it started are gone. */
export interface RemoteGit {
  run(args: readonly string[], signal: AbortSignal): Promise<RemoteGitResult>;
}

/** What is kept of git's words: more is progress, or a server's greeting. */
const COMPLAINT_BYTES_MAX = 16 * 1024;
/** An answer longer than this is no list of references that anybody could want. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** A server that says nothing for this long, not even that it is at work, is given up: somebody may be waiting for our lock. */
const SILENCE_SECONDS = 120;

/** Submodules must not name files of this machine; objects must come whole, as one pack, and stay where they are. */
const SETTINGS = [
  "-c", "http.lowSpeedLimit=1", "-c", `http.lowSpeedTime=${SILENCE_SECONDS}`,
  "-c", "protocol.file.allow=user", "-c", "fetch.unpackLimit=1", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
  "-c", "advice.detachedHead=false", "-c", "init.defaultBranch=master", "-c", "core.hooksPath=/dev/null",
] as const;

/**
 * Runs its arguments, and kills the whole group when our end of the pipe closes: whoever is killed cannot stop his
 * git, and one whose server is silent would stay for ever, with the lock.
 */
const WATCHED = '{ read -r _ <&4; kill -KILL 0; } >/dev/null 2>&1 3>&- & watch=$!; "$@" 4<&-; status=$?; kill -KILL "$watch"; exit "$status"';

/** Undefined when the machine has no git. */
export function findRemoteGit(options: RemoteGitOptions): RemoteGit | undefined {
  const git = findExecutable("git", options.env);
  if (git === undefined) return undefined;
  const env = remoteEnvironment(options);
  return { run: (args, signal) => runGit({ argv: [git, ...SETTINGS, ...args], env, lock: options.lock }, signal) };
}

interface GitRun {
  readonly argv: readonly [string, ...string[]];
  readonly env: Environment;
  readonly lock: number | undefined;
}

async function runGit({ argv, env, lock }: GitRun, signal: AbortSignal): Promise<RemoteGitResult> {
  signal.throwIfAborted();
  // A group of its own: git's helpers for http and ssh have to be stopped with it.
  const child = startProcess({ argv: ["/bin/sh", "-c", WATCHED, "sh", ...argv], env, cwd: "/", detached: true }, ["ignore", "pipe", "pipe", lock ?? "ignore", "pipe"]);
  const [stdout, stderr] = [collect(child.stdout, ANSWER_BYTES_MAX), collect(child.stderr, COMPLAINT_BYTES_MAX)];
  const kill = (): void => {
    if (child.pid !== undefined) killGroup(child.pid);
  };
  signal.addEventListener("abort", kill);
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? 128));
    });
    signal.throwIfAborted();
    const bytes = Buffer.concat(stdout);
    return { exitCode, stdout: bytes.toString("utf8"), bytes, complaint: scrubText(Buffer.concat(stderr).toString("utf8").trim()) };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

function collect(stream: NodeJS.ReadableStream | null, limitBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (sizeBytes < limitBytes) chunks.push(chunk.subarray(0, limitBytes - sizeBytes));
    sizeBytes += chunk.byteLength;
  });
  return chunks;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function remoteEnvironment({ env, settings, authorities, ssh }: RemoteGitOptions): Environment {
  const numbered = settings.flatMap(([name, value], i) => [[`GIT_CONFIG_KEY_${i}`, name], [`GIT_CONFIG_VALUE_${i}`, value]]);
  return {
    PATH: searchPath(env),
    HOME: "/dev/null",
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(numbered),
    ...proxies(env),
    ...(authorities === undefined ? {} : { GIT_SSL_CAINFO: authorities }),
    GIT_SSH_COMMAND: sshCommand(env, ssh.knownHosts),
    ...(ssh.agentSocket === undefined ? {} : { SSH_AUTH_SOCK: ssh.agentSocket }),
  };
}

/** curl reads the lower-case names alone where a scheme is http, and takes this machine for a place beyond the proxy. */
function proxies(env: Environment): Environment {
  const value = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const named = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].flatMap((name) => (value(name) === undefined ? [] : [[name.toLowerCase(), value(name)]]));
  const direct = [value("NO_PROXY"), "localhost", "127.0.0.0/8", "127.0.0.1", "::1"].filter((part) => part !== undefined).join(",");
  return { ...Object.fromEntries(named), no_proxy: direct };
}

/** Only what the agent has is shown: a key that nobody lent must not be used. Keys of hosts are believed when first seen, and from then on held to; those that the machine or the user knows count as seen. */
function sshCommand(env: Environment, knownHosts: string): string {
  const known = ["/etc/ssh/ssh_known_hosts", ...(env["HOME"] === undefined ? [] : [`${env["HOME"]}/.ssh/known_hosts`])];
  const options = [`UserKnownHostsFile=${quoteForSsh(knownHosts)}`, `GlobalKnownHostsFile=${known.map(quoteForSsh).join(" ")}`, "StrictHostKeyChecking=accept-new", "BatchMode=yes", "IdentityFile=none", "ServerAliveInterval=15"];
  return ["ssh", "-F", "/dev/null", ...options.flatMap((option) => ["-o", quoteForShell(option)])].join(" ");
}

function quoteForSsh(path: string): string {
  return `"${path}"`;
}

function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
