import type { MountRequest, SpawnRequest } from "./mount-namespace.ts";

/** What the holder is asked for: one JSON object per line on its standard input. Its end is the order to end. */
export type HolderRequest =
  | { readonly kind: "mount"; readonly id: number; readonly request: MountRequest }
  | { readonly kind: "unmount"; readonly id: number; readonly target: string }
  | { readonly kind: "spawn"; readonly id: number; readonly request: SpawnRequest }
  /** The pipes of spawn `id` are open at our end; the holder's copies may go. */
  | { readonly kind: "opened"; readonly id: number }
  | { readonly kind: "kill"; readonly id: number; readonly signal: NodeJS.Signals }
  /** To a process that the holder did not start itself. */
  | { readonly kind: "signal"; readonly id: number; readonly pid: number; readonly number: number };

/** What the holder says: one JSON object per line on its standard output. */
export type HolderMessage =
  /** First of all, from the shell that is process 1 inside. `pid` is its number outside. */
  | { readonly kind: "entered"; readonly pid: number }
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly id: number }
  /** `stdin`, `stdout` and `stderr` are descriptors of the holder, none with a terminal; `holderPid` is its number in the /proc that it sees. */
  | { readonly kind: "spawned"; readonly id: number; readonly pid: number; readonly holderPid: number; readonly stdin: number | undefined; readonly stdout: number | undefined; readonly stderr: number | undefined }
  | { readonly kind: "exited"; readonly id: number; readonly exitCode: number }
  | { readonly kind: "failed"; readonly id: number; readonly message: string; readonly errno: string | undefined };

/** Cuts a stream of text into its lines, whatever the chunks. */
export function lineSplitter(onLine: (line: string) => void): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  };
}
