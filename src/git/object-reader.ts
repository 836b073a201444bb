import { once } from "node:events";
import type { RunningProcess } from "../host/process.ts";
import { firstLine, type GitCommand } from "./git-command.ts";
import { formatOf, objectId, type ObjectType } from "./object-id.ts";

/** A tree or a commit is held in memory whole. A directory of a million names is below this. */
const OBJECT_BYTES_MAX = 64 * 1024 * 1024;

/** What git says when something breaks; more is no message. */
const COMPLAINT_BYTES_MAX = 4096;

/** An object could not be had, or is not what its id names. */
export class GitObjectError extends Error {
  override readonly name = "GitObjectError";
  readonly code: "missing" | "damaged" | "too-large" | "unreadable";
  readonly retryable = false;

  constructor(code: GitObjectError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Reads objects of one repository. Disposing ends its git. */
export interface ObjectReader extends AsyncDisposable {
  /** Content that has this id: it is hashed here, so that nothing need be believed of the repository. Rejects with GitObjectError. */
  read(id: string, type: ObjectType, limitBytes?: number): Promise<Buffer>;
}

/** One git answers for all objects, however many are asked for at a time. Reading rejects with `signal.reason` once that is aborted. */
export function openObjectReader(git: GitCommand, signal: AbortSignal): ObjectReader {
  signal.throwIfAborted();
  return new BatchReader(git.start(["cat-file", "--batch"]), signal);
}

interface Asked {
  readonly id: string;
  readonly type: ObjectType;
  readonly limitBytes: number;
  readonly resolve: (content: Buffer) => void;
  readonly reject: (reason: unknown) => void;
}

/** `git cat-file --batch`: one line for each question; answers come in their order, `ID TYPE SIZE`, the content, a line feed. */
class BatchReader implements ObjectReader {
  readonly #child: RunningProcess;
  readonly #signal: AbortSignal;
  readonly #closed: Promise<unknown>;
  readonly #asked: Asked[] = [];
  readonly #received = new Received();
  #complaint: Buffer = Buffer.alloc(0);
  #failure: unknown;

  constructor(child: RunningProcess, signal: AbortSignal) {
    this.#child = child;
    this.#signal = signal;
    this.#closed = once(child, "close").catch((error: unknown) => this.#fail(new GitObjectError("unreadable", `git cat-file cannot start: ${String(error)}`)));
    signal.addEventListener("abort", this.#abort);
    child.stdin?.on("error", () => undefined); // A git that has gone tells why by other ways.
    child.stdout?.on("data", (chunk: Buffer) => this.#take(chunk));
    child.stderr?.on("data", (chunk: Buffer) => {
      if (this.#complaint.length < COMPLAINT_BYTES_MAX) this.#complaint = Buffer.concat([this.#complaint, chunk]);
    });
    child.once("close", () => this.#fail(new GitObjectError("unreadable", `git cat-file ended: ${firstLine(this.#complaint)}`)));
  }

  async read(id: string, type: ObjectType, limitBytes: number = OBJECT_BYTES_MAX): Promise<Buffer> {
    if (this.#failure !== undefined) throw this.#failure;
    return await new Promise((resolve, reject) => {
      this.#asked.push({ id, type, limitBytes, resolve, reject });
      this.#child.stdin?.write(`${id}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#abort);
    this.#child.kill("SIGKILL");
    await this.#closed;
  }

  readonly #abort = (): void => this.#fail(this.#signal.reason);

  #fail(reason: unknown): void {
    this.#failure ??= reason;
    for (const { reject } of this.#asked.splice(0)) reject(this.#failure);
    this.#child.kill("SIGKILL");
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    for (let asked = this.#asked[0]; asked !== undefined; asked = this.#asked[0]) {
      const answer = this.#received.answer(asked.limitBytes);
      if (answer === undefined) return;
      this.#asked.shift();
      settle(asked, answer);
    }
  }
}

function settle({ id, type, limitBytes, resolve, reject }: Asked, { header, content }: Answer): void {
  if (content === "too-large") return reject(new GitObjectError("too-large", `${type} ${id} has more than ${limitBytes} bytes`));
  if (content === undefined) return reject(new GitObjectError("missing", `${type} ${id} is not in the repository`));
  const [, actualType] = header.split(" ");
  if (actualType !== type || objectId(formatOf(id), type, content) !== id) return reject(new GitObjectError("damaged", `${type} ${id} has other content than its id says`));
  resolve(content);
}

interface Answer {
  readonly header: string;
  /** Undefined where there is no such object. */
  readonly content: Buffer | "too-large" | undefined;
}

/** What has come and was not yet taken. */
class Received {
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  /** Of the answer that is on its way; nothing is looked at before that much is here. */
  #awaitedBytes = 0;
  /** Of an answer that nobody wants any more. */
  #unwantedBytes = 0;

  push(chunk: Buffer): void {
    const wanted = chunk.subarray(this.#unwantedBytes);
    this.#unwantedBytes -= chunk.byteLength - wanted.byteLength;
    if (wanted.byteLength === 0) return;
    this.#chunks.push(wanted);
    this.#sizeBytes += wanted.byteLength;
  }

  /** The next whole answer; undefined while it is still coming. */
  answer(limitBytes: number): Answer | undefined {
    if (this.#sizeBytes === 0 || this.#sizeBytes < this.#awaitedBytes) return undefined;
    const bytes = this.#chunks.length === 1 && this.#chunks[0] !== undefined ? this.#chunks[0] : Buffer.concat(this.#chunks);
    this.#chunks = [bytes];
    const lineEnd = bytes.indexOf("\n");
    if (lineEnd === -1) return undefined;
    const header = bytes.toString("latin1", 0, lineEnd);
    const size = / (\d+)$/.exec(header)?.[1];
    if (size === undefined) return this.#taken(bytes, { header, content: undefined }, lineEnd + 1);
    const end = lineEnd + 1 + Number(size);
    if (Number(size) > limitBytes) return this.#taken(bytes, { header, content: "too-large" }, end + 1);
    this.#awaitedBytes = end + 1;
    return this.#sizeBytes < end + 1 ? undefined : this.#taken(bytes, { header, content: bytes.subarray(lineEnd + 1, end) }, end + 1);
  }

  /** The answer ends at `end`, be it here already or not. */
  #taken(bytes: Buffer, answer: Answer, end: number): Answer {
    const rest = bytes.subarray(end);
    this.#unwantedBytes = Math.max(0, end - bytes.length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#sizeBytes = rest.length;
    this.#awaitedBytes = 0;
    return answer;
  }
}
