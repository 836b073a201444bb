import { once } from "node:events";
import type { Readable } from "node:stream";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { asGrpcError, GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import type { ExecMessageSchema, FdMessage, InitMessage } from "../proto/frontend/gateway_pb.ts";
import type { BridgeContainer, BridgeProcess } from "./bridge-container.ts";
import type { Outbox } from "./outbox.ts";

export type Answer = MessageInitShape<typeof ExecMessageSchema>;

/** What ended without an exit code of its own. */
const UNKNOWN_EXIT_CODE = 255;

/** BuildKit's typed details are JSON, named after the Go type. */
const EXIT_TYPE = "github.com/moby/buildkit/gatewayapi.ExitMessage+json";

/** What a process has not read yet. Whoever sends it more has to wait, and everybody else on the call. */
const INPUT_BYTES_HELD_MAX: number = 16 * 1024 * 1024;

/** One process of one call. It says Started, what the process prints, Exit, and Done at the very last. */
export class CalledProcess {
  readonly #id: string;
  readonly #fds: readonly number[];
  readonly #outbox: Outbox<Answer>;
  #process: BridgeProcess | undefined;
  #inputClosed = false;
  #ended = false;

  constructor(id: string, { Fds }: Pick<InitMessage, "Fds">, outbox: Outbox<Answer>) {
    this.#id = id;
    this.#fds = [...new Set(Fds)];
    this.#outbox = outbox;
  }

  /** Resolves when the process runs, or it is known that it never will, which is told as its exit. `over` ends after Done. Throws GrpcError for a request that makes no sense. */
  async start(container: BridgeContainer, { Meta: meta, Tty, Security, secretenv }: InitMessage): Promise<{ readonly over: Promise<void> }> {
    if (meta === undefined) throw new GrpcError(GrpcCode.invalidArgument, `process ${this.#id} has no meta data`);
    const { args, env, cwd, user } = meta;
    const streams = Tty ? "terminal" : this.#fds.includes(0) ? "input-and-output" : "output";
    const process = await container.start({ args, env, cwd, user, security: Security, secretEnv: secretenv, streams }).catch((error: unknown) => error);
    await this.#say({ case: "Started", value: {} });
    // What was thrown is no process.
    if (!isProcess(process)) return { over: this.#exit(Promise.reject(process), []) };
    this.#process = process;
    return { over: this.#exit(process.exited, [this.#forward(1, process.stdout), this.#forward(2, process.stderr)]) };
  }

  /** Throws GrpcError for a descriptor that cannot be written to. What comes after the end is lost. */
  async write({ Fd, Data, EOF }: FdMessage): Promise<void> {
    if (Fd !== 0 || !this.#fds.includes(0) || (this.#inputClosed && !this.#ended)) throw new GrpcError(GrpcCode.outOfRange, `fd ${Fd} unavailable to write`);
    const input = this.#process?.input;
    if (Data.byteLength > 0 && input?.writable === true) {
      input.write(Data);
      if (input.writableLength > INPUT_BYTES_HELD_MAX) await Promise.race([once(input, "drain"), once(input, "close")]);
    }
    if (EOF) this.closeInput();
  }

  closeInput(): void {
    if (this.#inputClosed) return;
    this.#inputClosed = true;
    this.#process?.input?.end();
  }

  resize(size: { readonly rows: number; readonly columns: number }): void {
    this.#process?.resize(size);
  }

  signal(number: number): void {
    this.#process?.signal(number);
  }

  async #forward(fd: number, stream: Readable): Promise<void> {
    try {
      for await (const chunk of stream as AsyncIterable<Uint8Array>) if (this.#fds.includes(fd)) await this.#say({ case: "File", value: { Fd: fd, EOF: false, Data: Uint8Array.from(chunk) } });
    } catch (error) {
      // Its other end went with the container.
      if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    }
  }

  async #exit(exited: Promise<number>, outputs: ReadonlyArray<Promise<void>>): Promise<void> {
    const [exit] = await Promise.allSettled([exited, ...outputs]);
    this.#ended = true;
    this.closeInput();
    for (const fd of this.#fds) if (fd !== 0) await this.#say({ case: "File", value: { Fd: fd, EOF: true, Data: new Uint8Array() } });
    await this.#say({ case: "Exit", value: exitMessage(exit) });
    await this.#say({ case: "Done", value: {} });
  }

  async #say(Input: NonNullable<Answer["Input"]>): Promise<void> {
    await this.#outbox.send({ ProcessID: this.#id, Input });
  }
}

function isProcess(started: unknown): started is BridgeProcess {
  return typeof started === "object" && started !== null && "exited" in started;
}

function exitMessage(exit: PromiseSettledResult<number>) {
  if (exit.status === "fulfilled") return exit.value === 0 ? { Code: 0 } : { Code: exit.value, Error: exitStatus(exit.value, `exit code: ${exit.value}`, GrpcCode.unknown) };
  const { code, message } = asGrpcError(exit.reason);
  const exitCode = exitCodeOf(exit.reason);
  return { Code: exitCode, Error: exitStatus(exitCode, message, code) };
}

function exitCodeOf(error: unknown): number {
  return error instanceof Error && "exitCode" in error && typeof error.exitCode === "number" ? error.exitCode : UNKNOWN_EXIT_CODE;
}

function exitStatus(exitCode: number, message: string, code: number) {
  return { code, message, details: [{ typeUrl: EXIT_TYPE, value: Uint8Array.from(Buffer.from(JSON.stringify({ Code: exitCode }))) }] };
}
