import { GrpcCode, GrpcError } from "../grpc/grpc-error.ts";
import { randomId } from "../host/random.ts";
import type { BridgeReference } from "./bridge.ts";

/** The results that a frontend holds, by the names that it was given for them. */
export class References {
  readonly #byId = new Map<string, BridgeReference>();

  add(reference: BridgeReference): string {
    const id = randomId();
    this.#byId.set(id, reference);
    return id;
  }

  /** Undefined for the empty name, which is an empty tree. Throws GrpcError. */
  find(id: string): BridgeReference | undefined {
    return id === "" ? undefined : this.get(id);
  }

  /** Throws GrpcError for a name that was not given out. */
  get(id: string): BridgeReference {
    const reference = this.#byId.get(id);
    if (reference === undefined) throw new GrpcError(GrpcCode.unknown, id === "" ? "empty ref: " : `no such ref: ${id}`);
    return reference;
  }
}
