import { existsSync, realpathSync } from "node:fs";
import { MessageChannel, Worker } from "node:worker_threads";
import { ownProgram } from "./own-program.ts";
import { parseWalk, rememberedWalk, scoutMemory } from "./scout-memory.ts";
import { untilAborted } from "./until-aborted.ts";

/** What a scout saw. */
export interface Sighting {
  /** Of all that is in the directories of `walk`, down to inodes and times of change: another as soon as anything there was touched. */
  readonly fingerprint: string;
  /** Text of the walk that it followed: see `walkText`. */
  readonly walk: string;
}

/**
 * Looks at a directory in a thread of its own, while the code that would walk it is still being loaded: at all that the last
 * large walk of it looked at. Where nothing there has changed, the walk can be spared.
 */
export interface DirectoryScout {
  /** Absolute, without links. */
  readonly root: string;
  /** What the walk that it follows was asked for. */
  readonly selection: string;
  /** Undefined where it failed, or there are names that it cannot tell from others. */
  sighting(signal: AbortSignal): Promise<Sighting | undefined>;
}

/** What the thread is started with, beside its port. */
export interface ScoutOrder {
  readonly root: string;
  readonly walk: string;
  /** Path of where `walk` is kept. */
  readonly memory: string;
}

/** Undefined where no walk of this directory is remembered, since it was not worth it or there was none, or there is no such directory. */
export function scoutDirectory(directory: string, stateRoot: string): DirectoryScout | undefined {
  if (!existsSync(directory)) return undefined;
  const root = realpathSync(directory);
  const walk = rememberedWalk(stateRoot, root);
  return walk === undefined ? undefined : new ThreadScout({ root, walk, memory: scoutMemory(stateRoot, root) });
}

class ThreadScout implements DirectoryScout {
  readonly root: string;
  readonly selection: string;
  readonly #thread: Worker;
  readonly #sighting: Promise<Sighting | undefined>;

  constructor(order: ScoutOrder) {
    this.root = order.root;
    this.selection = parseWalk(order.walk).selection;
    const { port1, port2 } = new MessageChannel();
    this.#thread = new Worker(ownProgram(import.meta.url, "host/directory-scout-thread"), { workerData: { ...order, port: port2 }, transferList: [port2], execArgv: [] });
    const { promise, resolve } = Promise.withResolvers<Sighting | undefined>();
    // Sent by directory-scout-thread.ts.
    port1.once("message", (sighting: Sighting) => resolve(sighting));
    // What it could not look at is looked at by who walks, and told as that.
    this.#thread.once("error", () => resolve(undefined));
    port1.once("close", () => resolve(undefined));
    this.#sighting = promise;
    // A process whose build failed before it came to the files does not wait for it.
    this.#thread.unref();
    port1.unref();
  }

  async sighting(signal: AbortSignal): Promise<Sighting | undefined> {
    this.#thread.ref();
    try {
      return await untilAborted(this.#sighting, signal);
    } finally {
      this.#thread.unref();
    }
  }
}
