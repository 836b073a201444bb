import { GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import type { BridgeContainer } from "./bridge-container.ts";

/** The containers that a frontend has open, by the names that it gave them. Disposing releases them all. */
export class Containers implements AsyncDisposable {
  readonly #byId = new Map<string, Promise<BridgeContainer>>();
  #disposed = false;

  /** Throws GrpcError for a name that is taken. */
  async open(id: string, open: () => Promise<BridgeContainer>): Promise<void> {
    if (this.#disposed) throw new GrpcError(GrpcCode.cancelled, "the frontend has ended");
    if (this.#byId.has(id)) throw new GrpcError(GrpcCode.alreadyExists, `Container ${id} already exists`);
    const opening = open();
    this.#byId.set(id, opening);
    try {
      await opening;
    } catch (error) {
      this.#byId.delete(id);
      throw error;
    }
  }

  /** Throws GrpcError for one that is not there. */
  async get(id: string): Promise<BridgeContainer> {
    const container = this.#byId.get(id);
    if (container === undefined) throw new GrpcError(GrpcCode.notFound, `container ${JSON.stringify(id)} previously released or not created`);
    return await container;
  }

  /** Throws GrpcError for one that is not there. */
  async release(id: string): Promise<void> {
    const container = this.#byId.get(id);
    this.#byId.delete(id);
    if (container === undefined) throw new GrpcError(GrpcCode.unknown, `container details for ${id} not found`);
    await (await container)[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const opened = await Promise.allSettled(this.#byId.values());
    this.#byId.clear();
    await using stack = new AsyncDisposableStack();
    for (const each of opened) if (each.status === "fulfilled") stack.use(each.value);
  }
}
