/** A thread of LayerThreads: carries out one order after the other, each to its end before the next is sent. */
import { parentPort } from "node:worker_threads";
import type { ByteStream } from "../content/blob-store.ts";
import { takeIn } from "./layer-intake.ts";
import type { FromLayerThread, LayerOrder, ToLayerThread } from "./layer-threads.ts";
import { privilegeOf } from "./privilege.ts";
import { StoredLayer } from "./stored-layer.ts";
import { failureOf } from "./thread-failure.ts";
import { TreeWriter } from "./tree-writer.ts";
import { unpackAsLower } from "./unpack.ts";

/** The bytes that belong to one order. */
class Arriving implements ByteStream {
  readonly #chunks: Uint8Array[] = [];
  readonly #stopping = new AbortController();
  #hasEnded = false;
  #more: (() => void) | undefined;

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  receive(message: Exclude<ToLayerThread, { kind: "order" }>): void {
    if (message.kind === "chunk") this.#chunks.push(message.bytes);
    else if (message.kind === "end") this.#hasEnded = true;
    else this.#stopping.abort();
    this.#more?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.signal.throwIfAborted();
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        tell({ kind: "taken", sizeBytes: chunk.byteLength });
      } else if (this.#hasEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#more = resolve));
      }
    }
  }
}

let arriving: Arriving | undefined;

parentPort?.on("message", (message: ToLayerThread) => {
  if (message.kind !== "order") return arriving?.receive(message);
  arriving = new Arriving();
  void work(message.order, arriving).then(tell);
});

function tell(message: FromLayerThread): void {
  parentPort?.postMessage(message);
}

async function work(order: LayerOrder, bytes: Arriving): Promise<FromLayerThread> {
  try {
    await carryOut(order, bytes);
    return { kind: "done" };
  } catch (error) {
    return { kind: "failed", failure: failureOf(error) };
  } finally {
    arriving = undefined;
  }
}

async function carryOut(order: LayerOrder, bytes: Arriving): Promise<void> {
  switch (order.kind) {
    case "take-in": {
      const { privilege } = order.intake;
      await takeIn({ ...order.intake, privilege: privilege === undefined ? undefined : privilegeOf(privilege) }, bytes, bytes.signal);
      return;
    }
    case "unpack": {
      const layer = new StoredLayer(order.layer.id, order.layer.directory);
      try {
        return await unpackAsLower(layer, new TreeWriter(order.tree, "empty", privilegeOf(order.privilege)), bytes.signal);
      } finally {
        layer.close();
      }
    }
  }
}
