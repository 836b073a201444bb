import { finished } from "node:stream/promises";
import type { MountNamespace, SpawnedProcess } from "../namespace/mount-namespace.ts";

/** Commands of the host, such as mkdir and the runtimes themselves, are looked for here; nothing of ours reaches them. */
export const TOOL_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** Runs a short command of ours in the namespace. */
export async function runToEnd(namespace: MountNamespace, argv: readonly [string, ...string[]], signal: AbortSignal): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  const child = await namespace.spawn({ argv, cwd: "/", env: TOOL_ENVIRONMENT }, signal);
  let stderr = "";
  const exitCode = await follow(child, (stream, chunk) => {
    if (stream === "stderr") stderr += Buffer.from(chunk).toString("utf8");
  });
  return { exitCode, stderr };
}

/** Hands on what the process prints, until it has ended and both its streams have. */
export async function follow(child: SpawnedProcess, onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void): Promise<number> {
  child.stdout.on("data", (chunk: Buffer) => onOutput("stdout", chunk));
  child.stderr.on("data", (chunk: Buffer) => onOutput("stderr", chunk));
  const [exitCode] = await Promise.all([child.exited, finished(child.stdout, { writable: false }), finished(child.stderr, { writable: false })]);
  return exitCode;
}
