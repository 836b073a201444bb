import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { MountNamespace, SpawnedProcess } from "../namespace/mount-namespace.ts";

/** Commands of the host, such as mkdir and the runtimes themselves, are looked for here; nothing of ours reaches them. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** Runs a short command of ours in the namespace. */
export async function runToEnd(namespace: MountNamespace, argv: readonly [string, ...string[]], signal: AbortSignal): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const child = await namespace.spawn({ argv, cwd: "/", env: TOOL_ENVIRONMENT, stdin: "none" }, signal);
  let stderr = "";
  const exitCode = await follow(child, {
    input: undefined,
    onOutput: (stream, chunk) => {
      if (stream === "stderr") stderr += Buffer.from(chunk).toString("utf8");
    },
  });
  return { exitCode, stderr };
}

/** In a bundle's folder: where a set-up program of ours says why it could not start the process. Empty when it did. */
export const START_ERROR_FILE = "start-error";

/** What goes in and out of a process. */
export interface ProcessStreams {
  /** Undefined: the process was started without a pipe to read from. */
  readonly input: Readable | undefined;
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
}

/** Hands on what the process reads and prints, until it has ended and both its outputs have. */
export async function follow(child: Pick<SpawnedProcess, "stdin" | "stdout" | "stderr" | "exited">, { input, onOutput }: ProcessStreams): Promise<number> {
  // A process that reads no more closes the pipe; its exit code tells the story, not EPIPE.
  child.stdin?.on("error", () => input?.destroy());
  if (child.stdin !== undefined) input?.pipe(child.stdin);
  // What is destroyed does not end, and the process must not wait for more.
  input?.once("close", () => child.stdin?.end());
  child.stdout.on("data", (chunk: Buffer) => onOutput("stdout", chunk));
  child.stderr.on("data", (chunk: Buffer) => onOutput("stderr", chunk));
  const [exitCode] = await Promise.all([child.exited, finished(child.stdout, { writable: false }), finished(child.stderr, { writable: false })]);
  return exitCode;
}
