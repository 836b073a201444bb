import type { Readable } from "node:stream";
import type { Environment } from "../host/environment.ts";

/** What a command may do with the world around it; everything else reaches it as an argument. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: (text: string | Uint8Array) => void;
  /** Writes there too, and waits until it has been taken: for what is too long to be held. */
  readonly streamOut: (chunk: Uint8Array) => Promise<void>;
  readonly stderr: (text: string) => void;
  /** Columns and rows of the terminal that standard error is, as they are now; undefined where it is none. */
  readonly terminal: (() => { readonly columns: number; readonly rows: number }) | undefined;
  readonly isStdoutTerminal: boolean;
  readonly env: Environment;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** One command of the command line. `run` returns the exit status and throws what cli/failure.ts explains. */
export interface Command {
  /** Its words: `build`, `imagetools inspect`. */
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` prints. */
  readonly usage: string;
  run(args: readonly string[], io: CommandIo): Promise<number>;
}
