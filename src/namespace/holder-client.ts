import type { Environment } from "../host/environment.ts";
import { startProcess, type RunningProcess } from "../host/process.ts";
import { HolderNamespace } from "./holder-namespace.ts";
import { lineSplitter, type HolderMessage } from "./holder-protocol.ts";
import type { MountNamespace } from "./mount-namespace.ts";
import type { UnshareCommand } from "./unshare-command.ts";

/** The first lines of what a holder complains about are enough to tell what is wrong. */
const COMPLAINT_CHARS_MAX = 2000;

/** Starts a holder and waits until it answers. The result is a text when the system refuses, and says why. */
export async function startHolder(command: UnshareCommand, env: Environment, signal: AbortSignal): Promise<MountNamespace | string> {
  signal.throwIfAborted();
  const child = startProcess({ argv: command.argv, env, detached: true }, ["pipe", "pipe", "pipe"]);
  const abort = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", abort);
  try {
    const outcome = await firstWords(child, command);
    signal.throwIfAborted();
    return outcome;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function firstWords(child: RunningProcess, command: UnshareCommand): Promise<MountNamespace | string> {
  return new Promise((resolve, reject) => {
    let complaint = "";
    let pid = 0;
    let opened: HolderNamespace | undefined;
    child.once("error", reject);
    child.stdin?.on("error", () => undefined); // The end of the holder is noticed by its exit.
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(0, COMPLAINT_CHARS_MAX);
    });
    child.stdout?.setEncoding("utf8").on("data", lineSplitter((line) => {
      // Our own holder speaks only this.
      const message = JSON.parse(line) as HolderMessage;
      if (message.kind === "entered") pid = message.pid;
      else if (message.kind === "ready") resolve((opened = new HolderNamespace(child, pid, command.manyIds)));
      else opened?.receive(message);
    }));
    child.once("close", (code, signalName) => {
      const reason = complaint.trim() || `unshare ended with ${signalName ?? `exit code ${String(code)}`}`;
      opened?.lost(reason);
      resolve(reason);
    });
  });
}
