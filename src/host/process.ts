import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import type { Environment } from "./environment.ts";

export interface ProcessRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env: Environment;
  /** Written to standard input, which is then closed. */
  readonly input?: Uint8Array | string;
  /** In a session of its own: what is typed at our terminal, such as Ctrl-C, does not reach it. */
  readonly detached?: boolean;
}

export interface ProcessResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** A process that was started and left to its starter. */
export type RunningProcess = ChildProcess;

/** What one short command may print. More is a mistake, and must not fill the memory. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Runs a short command to its end and returns what it printed, whatever its exit code.
 * Rejects with the system's error if it cannot start, with `signal.reason` once it has been killed.
 */
export async function runProcess(request: ProcessRequest, signal: AbortSignal): Promise<ProcessResult> {
  signal.throwIfAborted();
  const child = startProcess(request, ["pipe", "pipe", "pipe"]);
  const stdout = collectOutput(child, "stdout");
  const stderr = collectOutput(child, "stderr");
  const kill = (): void => {
    child.kill("SIGKILL");
    // What it has started may hold them for as long as it likes, and is not waited for.
    for (const output of [child.stdout, child.stderr]) output?.destroy();
  };
  signal.addEventListener("abort", kill);
  try {
    // A command that reads no input closes the pipe; its exit code tells the story, not EPIPE.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(request.input ?? "");
    const exitCode = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, name) => resolve(code ?? 128 + (name === null ? 0 : 9)));
    });
    signal.throwIfAborted();
    return { exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Ends this process at once, whatever still keeps it: for a program of ours, never for one that we are a library of. */
export function leave(exitCode: number): never {
  process.exit(exitCode);
}

/** Starts a process and leaves its streams to the caller. */
export function startProcess(request: Omit<ProcessRequest, "input">, stdio: StdioOptions): ChildProcess {
  const [file, ...args] = request.argv;
  return spawn(file, args, {
    ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
    env: request.env as NodeJS.ProcessEnv,
    detached: request.detached ?? false,
    stdio,
  });
}

function collectOutput(child: ChildProcess, name: "stdout" | "stderr"): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  child[name]?.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > OUTPUT_BYTES_MAX) child.kill("SIGKILL");
    else chunks.push(chunk);
  });
  return chunks;
}
