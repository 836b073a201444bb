/**
 * The helper process inside the mount namespace, run by `unshareCommands` with one argument: whether /proc is our own.
 * It ends when its standard input does, that is when the process that started it closed it or died.
 */
import { closeSync, constants as fileConstants, openSync, readlinkSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { startProcess, type RunningProcess } from "../host/process.ts";
import { lineSplitter, type HolderMessage, type HolderRequest } from "./holder-protocol.ts";
import { mountInside, unmountInside } from "./mount-inside.ts";
import { killTree } from "./process-tree.ts";
import type { SpawnRequest } from "./mount-namespace.ts";
import { makePipe } from "../syscall/pipe.ts";

interface Running {
  readonly child: RunningProcess;
  /** Our copies of the pipes' ends, kept until the other side has opened its own. */
  ends: readonly number[];
}

const running = new Map<number, Running>();
const ownProc = process.argv.at(-1) === "own-proc";
/** As /proc counts, whichever /proc it is. */
const ownPid = Number(readlinkSync("/proc/self"));

process.stdin.setEncoding("utf8");
process.stdin.on("data", lineSplitter((line) => handle(JSON.parse(line) as HolderRequest)));
// At once and whatever still runs: process 1 ends with us, and everything inside with it.
process.stdin.on("close", () => process.kill(process.pid, "SIGKILL"));
tell({ kind: "ready" });

function handle(request: HolderRequest): void {
  try {
    switch (request.kind) {
      case "mount":
        mountInside(request.request);
        return tell({ kind: "done", id: request.id });
      case "unmount":
        unmountInside(request.target);
        return tell({ kind: "done", id: request.id });
      case "spawn":
        return spawnInside(request.id, request.request);
      case "opened":
        return closeEnds(request.id);
      case "kill":
        return kill(request.id, request.signal);
      case "signal":
        return signal(request.pid, request.number);
    }
  } catch (error) {
    fail(request.id, error);
  }
}

/** Our ends of what a process reads and writes, and those that it gets. */
interface Streams {
  readonly ours: { readonly stdin: number | undefined; readonly stdout: number | undefined; readonly stderr: number | undefined };
  readonly theirs: readonly [stdin: number | undefined, stdout: number, stderr: number];
}

function openStreams({ stdin }: SpawnRequest): Streams {
  if (typeof stdin === "object") {
    const terminal = openSync(stdin.terminal, fileConstants.O_RDWR | fileConstants.O_NOCTTY);
    return { ours: { stdin: undefined, stdout: undefined, stderr: undefined }, theirs: [terminal, terminal, terminal] };
  }
  const [output, errors] = [makePipe(), makePipe()];
  const input = stdin === "pipe" ? makePipe() : undefined;
  return { ours: { stdin: input?.writeEnd, stdout: output.readEnd, stderr: errors.readEnd }, theirs: [input?.readEnd, output.writeEnd, errors.writeEnd] };
}

function isOpen(end: number | undefined): end is number {
  return end !== undefined;
}

function spawnInside(id: number, request: SpawnRequest): void {
  const { ours, theirs: [stdin, stdout, stderr] } = openStreams(request);
  const ends = [ours.stdout, ours.stderr, ours.stdin].filter(isOpen);
  const child = startProcess(request, [stdin ?? "ignore", stdout, stderr]);
  for (const end of new Set([stdin, stdout, stderr].filter(isOpen))) closeSync(end);
  running.set(id, { child, ends });
  child.once("error", (error) => {
    if (child.pid !== undefined) return;
    closeEnds(id);
    running.delete(id);
    fail(id, error);
  });
  if (child.pid === undefined) return;
  child.once("exit", (code, signal) => {
    tell({ kind: "exited", id, exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
    if (running.get(id)?.ends.length === 0) running.delete(id);
  });
  tell({ kind: "spawned", id, pid: child.pid, holderPid: ownPid, ...ours });
}

function closeEnds(id: number): void {
  const entry = running.get(id);
  if (entry === undefined) return;
  for (const end of entry.ends) closeSync(end);
  entry.ends = [];
  if (entry.child.exitCode !== null || entry.child.signalCode !== null) running.delete(id);
}

function kill(id: number, signal: NodeJS.Signals): void {
  const child = running.get(id)?.child;
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (signal === "SIGKILL" && ownProc) killTree(child.pid);
  else child.kill(signal);
}

function signal(pid: number, number: number): void {
  try {
    process.kill(pid, number);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function fail(id: number, error: unknown): void {
  const { message, code } = error as NodeJS.ErrnoException;
  tell({ kind: "failed", id, message, errno: code });
}

/** Written at once and whole: lines are short against a socket's buffer, and nothing may be lost when we end. */
function tell(message: HolderMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}
