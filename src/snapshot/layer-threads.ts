import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ByteStream } from "../content/blob-store.ts";
import { ownProgram } from "../host/own-program.ts";
import { eachUntilAborted } from "../host/until-aborted.ts";
import type { Intake } from "./layer-intake.ts";
import type { LayerId } from "./layer.ts";
import type { PrivilegeForm } from "./privilege.ts";
import { errorOf, type ThreadFailure } from "./thread-failure.ts";

/** Each has a heap of its own. */
const THREADS_MAX = 4;

/** What is under way to a thread, and not yet worked off. */
const BYTES_UNDER_WAY_MAX = 2 * 1024 * 1024;

/** What a thread is to do. */
export type LayerOrder =
  /** Takes an image's layer in, as its bytes come: see `takeIn`. */
  | { readonly kind: "take-in"; readonly intake: Intake<PrivilegeForm> }
  /** Writes the tree of a layer into an empty directory: see `unpackAsLower`. */
  | { readonly kind: "unpack"; readonly layer: { readonly id: LayerId; readonly directory: string }; readonly tree: string; readonly privilege: PrivilegeForm };

/** To a thread: one order at a time, and the bytes that belong to it. */
export type ToLayerThread =
  | { readonly kind: "order"; readonly order: LayerOrder }
  | { readonly kind: "chunk"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  /** The bytes break off, for a reason that is known here; or nobody wants the work any more. */
  | { readonly kind: "abort" };

/** From a thread. */
export type FromLayerThread =
  | { readonly kind: "taken"; readonly sizeBytes: number }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly failure: ThreadFailure };

/**
 * Threads for the work on whole layers, which is that of processors and of the file system: several layers at once, beside the
 * event loop. They start when they are first needed, and none keeps the process alive that has nothing to do.
 */
export class LayerThreads implements AsyncDisposable {
  readonly #all: Set<LayerThread> = new Set();
  readonly #idle: LayerThread[] = [];
  readonly #waiting: Array<(thread: LayerThread) => void> = [];

  /** The chunks of `bytes` are handed over. Rejects with what the work failed with, of the same class; with what `bytes` threw; or with `signal.reason`. Nothing is written any more once it has settled. */
  async carryOut(order: LayerOrder, bytes: ByteStream, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const thread = await this.#take();
    try {
      signal.throwIfAborted();
      await thread.carryOut(order, bytes, signal);
    } finally {
      this.#giveBack(thread);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map((thread) => thread.stop()));
    this.#all.clear();
    this.#idle.length = 0;
  }

  async #take(): Promise<LayerThread> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.hasEnded) return idle;
      this.#all.delete(idle);
    }
    if (this.#all.size < Math.min(THREADS_MAX, availableParallelism())) return this.#start();
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): LayerThread {
    const thread = new LayerThread();
    this.#all.add(thread);
    return thread;
  }

  #giveBack(thread: LayerThread): void {
    if (thread.hasEnded) this.#all.delete(thread);
    const next = this.#waiting.shift();
    if (next !== undefined) next(thread.hasEnded ? this.#start() : thread);
    else if (!thread.hasEnded) this.#idle.push(thread);
  }
}

class LayerThread {
  readonly #worker: Worker;
  #receive: ((message: FromLayerThread) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;
  hasEnded = false;

  constructor() {
    this.#worker = new Worker(ownProgram(import.meta.url, "snapshot/layer-thread"), { execArgv: [] });
    this.#worker.unref();
    this.#worker.on("message", (message: FromLayerThread) => this.#receive?.(message));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", (code) => this.#end(new Error(`a thread that works on layers ended with ${code}`)));
  }

  async carryOut(order: LayerOrder, bytes: ByteStream, signal: AbortSignal): Promise<void> {
    const { promise: done, resolve, reject } = Promise.withResolvers<void>();
    const settled = new AbortController();
    const flow = new Flow();
    this.#fail = reject;
    this.#receive = (message) => {
      if (message.kind === "taken") flow.taken(message.sizeBytes);
      else if (message.kind === "done") resolve();
      else reject(errorOf(message.failure));
    };
    const abort = (): void => this.#post({ kind: "abort" });
    signal.addEventListener("abort", abort, { once: true });
    this.#worker.ref();
    this.#post({ kind: "order", order });
    const feeding = this.#feed(bytes, flow, AbortSignal.any([settled.signal, signal]));
    try {
      await done;
    } catch (error) {
      // Of a work that broke off because its bytes did, the thread knows no more than that.
      throw signal.aborted ? signal.reason : (flow.failure?.error ?? error);
    } finally {
      signal.removeEventListener("abort", abort);
      settled.abort();
      flow.taken(Infinity);
      await feeding;
      this.#receive = undefined;
      this.#fail = undefined;
      this.#worker.unref();
    }
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Sends all there is, as fast as it is worked off. */
  async #feed(bytes: ByteStream, flow: Flow, signal: AbortSignal): Promise<void> {
    try {
      for await (const chunk of eachUntilAborted(bytes, signal)) {
        const { byteLength } = chunk;
        const bytes = ownMemory(chunk);
        this.#post({ kind: "chunk", bytes }, [bytes.buffer]);
        await flow.sent(byteLength);
      }
      this.#post({ kind: "end" });
    } catch (error) {
      // Told by who waits for the work, if that has not ended already.
      if (signal.aborted) return;
      flow.failure = { error };
      this.#post({ kind: "abort" });
    }
  }

  #post(message: ToLayerThread, moved: readonly ArrayBuffer[] = []): void {
    if (!this.hasEnded) this.#worker.postMessage(message, moved);
  }

  #end(error: unknown): void {
    this.hasEnded = true;
    this.#fail?.(error);
  }
}

/** In memory that nothing else lies in, and that can be handed over: as most chunks come. */
function ownMemory(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? new Uint8Array(buffer) : new Uint8Array(chunk);
}

/** How much is under way, and what went wrong with it. */
class Flow {
  #underWay = 0;
  #room: (() => void) | undefined;
  failure: { readonly error: unknown } | undefined;

  /** Waits until there is room for more. */
  async sent(sizeBytes: number): Promise<void> {
    this.#underWay += sizeBytes;
    if (this.#underWay < BYTES_UNDER_WAY_MAX) return;
    await new Promise<void>((resolve) => (this.#room = resolve));
  }

  taken(sizeBytes: number): void {
    this.#underWay -= sizeBytes;
    if (this.#underWay < BYTES_UNDER_WAY_MAX) this.#room?.();
  }
}
