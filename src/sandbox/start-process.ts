import { Readable, Writable } from "node:stream";
import { ReadStream } from "node:tty";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { makeTerminal, resizeTerminal, type TerminalSize } from "../syscall/terminal.ts";
import type { Command } from "./joinable-runtime.ts";
import { TOOL_ENVIRONMENT } from "./run-to-end.ts";
import type { ContainerProcess, StartedProcess } from "./sandbox.ts";

/** A runtime's command that was started; its process may still have to. */
export interface StartedCommand extends Omit<StartedProcess, "resize" | "signal"> {
  /** Resizes the terminal that the runtime was given; false where there is none. */
  resize(size: TerminalSize): boolean;
  /** Kills the runtime with all that it has started. */
  kill(): void;
}

/** Starts a runtime's command with the streams that its process is to have. */
export async function startCommand(argv: Command, streams: ContainerProcess["streams"], { namespace, cwd }: { readonly namespace: MountNamespace; readonly cwd: string }, signal: AbortSignal): Promise<StartedCommand> {
  const request = { argv, cwd, env: TOOL_ENVIRONMENT };
  if (streams !== "terminal") {
    const child = await namespace.spawn({ ...request, stdin: streams === "input-and-output" ? "pipe" : "none" }, signal);
    // A process that reads no more closes the pipe; its exit code tells the story, not EPIPE.
    child.stdin?.on("error", () => undefined);
    return { input: child.stdin, stdout: child.stdout, stderr: child.stderr, exited: child.exited, resize: () => false, kill: () => child.kill("SIGKILL") };
  }
  using terminal = new ProcessTerminal();
  const child = await namespace.spawn({ ...request, stdin: { terminal: terminal.path } }, signal);
  const { input, output } = terminal.connect();
  return {
    input, stdout: output, stderr: child.stderr, exited: child.exited,
    kill: () => child.kill("SIGKILL"),
    resize(size) {
      if (!terminal.resize(size)) return false;
      // A runtime that stands between this terminal and one of the process's own hands its size on when told.
      child.kill("SIGWINCH");
      return true;
    },
  };
}

/** Our end of a terminal. Disposing closes it as long as it is not connected: from then on it closes with its last user at the other end. */
class ProcessTerminal implements Disposable {
  readonly path: string;
  readonly #fd: number;
  readonly #master: ReadStream;
  #connected = false;

  constructor() {
    const { master, path } = makeTerminal();
    this.path = path;
    this.#fd = master;
    // Both ways, whatever its name says.
    this.#master = new ReadStream(master);
    this.#master.on("error", () => undefined);
  }

  connect(): { readonly input: Writable; readonly output: Readable } {
    this.#connected = true;
    const master = this.#master;
    // What is typed when nobody reads any more is lost.
    const input = new Writable({ write: (chunk, _encoding, done) => void (master.destroyed ? done() : master.write(chunk, () => done())) });
    return { input, output: Readable.from(untilHangUp(master), { objectMode: false }) };
  }

  /** False once it is closed. */
  resize(size: TerminalSize): boolean {
    if (this.#master.destroyed) return false;
    resizeTerminal(this.#fd, size);
    return true;
  }

  [Symbol.dispose](): void {
    if (!this.#connected) this.#master.destroy();
  }
}

/** The other end is closed: the kernel calls that an error of input. */
async function* untilHangUp(master: ReadStream): AsyncIterable<Uint8Array> {
  try {
    yield* master;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EIO") throw error;
  }
}
