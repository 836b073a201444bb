import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { ownProgram } from "../host/own-program.ts";
import { roomFor, type PartForm } from "./compress-part.ts";

/** Each has a heap of its own: with twelve, a build of a large layer stays under 300 MB. */
const THREADS_MAX = 12;

/** What is compressed lies outside of the heap. Left to itself, V8 would take half as much again. */
const HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

export const COMPRESS_THREADS_MAX: number = Math.min(THREADS_MAX, availableParallelism());

/** A part and room for what it becomes, in memory that both threads see. */
export interface ToCompressThread {
  readonly part: Uint8Array<SharedArrayBuffer>;
  readonly room: Uint8Array<SharedArrayBuffer>;
  readonly form: PartForm;
}

/** How much of the room was taken by the part that came first of those not yet told. */
export interface FromCompressThread {
  readonly sizeBytes: number;
}

let shared: CompressThreads | undefined;

/** Those of this process, for who compresses more than a little. */
export function borrowCompressThreads(): CompressThreads {
  shared ??= new CompressThreads();
  shared.borrow();
  return shared;
}

/**
 * As many as run at a time, however many streams are compressed; they end when the last stream has. Beside Node's own pool they leave
 * that to reading and writing, are not bound to its four, and put what they make into memory that is used again.
 */
export class CompressThreads {
  readonly #threads = new Set<CompressThread>();
  #borrowers = 0;

  borrow(): void {
    this.#borrowers += 1;
  }

  /** Streams that are compressed at this time. */
  get borrowers(): number {
    return this.#borrowers;
  }

  giveBack(): void {
    this.#borrowers -= 1;
    if (this.#borrowers > 0) return;
    for (const thread of this.#threads) thread.stop();
    this.#threads.clear();
  }

  /** Resolves with the size of what the part has become. */
  async carryOut(order: ToCompressThread): Promise<number> {
    const thread = this.#leastBusy();
    try {
      return await thread.carryOut(order);
    } catch (error) {
      this.#threads.delete(thread);
      throw error;
    }
  }

  #leastBusy(): CompressThread {
    let least: CompressThread | undefined;
    for (const thread of this.#threads) if (least === undefined || thread.underWay < least.underWay) least = thread;
    if (least !== undefined && (least.underWay === 0 || this.#threads.size >= COMPRESS_THREADS_MAX)) return least;
    const thread = new CompressThread();
    this.#threads.add(thread);
    return thread;
  }
}

class CompressThread {
  readonly #worker: Worker;
  readonly #waiting: Array<PromiseWithResolvers<number>> = [];

  constructor() {
    this.#worker = new Worker(ownProgram(import.meta.url, "archive/compress-thread"), { execArgv: [], resourceLimits: HEAP });
    this.#worker.on("message", ({ sizeBytes }: FromCompressThread) => this.#waiting.shift()?.resolve(sizeBytes));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", (code) => this.#end(new Error(`a thread that compresses ended with ${code}`)));
  }

  get underWay(): number {
    return this.#waiting.length;
  }

  async carryOut(order: ToCompressThread): Promise<number> {
    const waiting = Promise.withResolvers<number>();
    this.#waiting.push(waiting);
    this.#worker.postMessage(order);
    return await waiting.promise;
  }

  stop(): void {
    void this.#worker.terminate();
  }

  #end(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** Memory for one part at a time, and for what the threads make of it. */
export class ThreadSlot {
  readonly part: Buffer<SharedArrayBuffer>;
  readonly #room: Buffer<SharedArrayBuffer>;
  readonly #threads: CompressThreads;
  readonly #form: PartForm;

  constructor(threads: CompressThreads, partBytes: number, form: PartForm) {
    this.#threads = threads;
    this.#form = form;
    this.part = Buffer.from(new SharedArrayBuffer(partBytes));
    this.#room = Buffer.from(new SharedArrayBuffer(roomFor(partBytes)));
  }

  async compress(sizeBytes: number): Promise<Uint8Array> {
    const taken = await this.#threads.carryOut({ part: this.part.subarray(0, sizeBytes), room: this.#room, form: this.#form });
    return this.#room.subarray(0, taken);
  }
}
