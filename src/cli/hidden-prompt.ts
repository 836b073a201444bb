import type { ReadStream } from "node:tty";

const ENTER: ReadonlySet<string> = new Set(["\r", "\n", "\u0004"]);
const ERASE: ReadonlySet<string> = new Set(["\u007f", "\b"]);

/** A line from the terminal that is not shown while it is typed. Rejects with `signal.reason`. */
export async function askHidden(question: string, terminal: ReadStream, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  process.stderr.write(question);
  terminal.setRawMode(true).setEncoding("utf8");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let line = "";
  const take = (text: string): void => {
    for (const character of text) {
      if (ENTER.has(character)) resolve(line);
      // In raw mode the terminal makes no signal of Ctrl-C.
      else if (character === "\u0003") process.kill(process.pid, "SIGINT");
      else line = ERASE.has(character) ? line.slice(0, -1) : line + character;
    }
  };
  const stop = (): void => reject(signal.reason);
  terminal.on("data", take).once("end", () => resolve(line));
  signal.addEventListener("abort", stop);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    terminal.off("data", take).setRawMode(false).pause();
    process.stderr.write("\n");
  }
}
