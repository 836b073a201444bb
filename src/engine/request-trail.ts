import type { BridgeReference, BridgeResult } from "../bridge/bridge.ts";
import type { Digest } from "../content/digest.ts";
import type { Definition } from "../llb/definition.ts";
import { loadGraph } from "../llb/graph.ts";

/** One request to a frontend, with those that its inputs came from. */
export interface AskedRequest {
  /** `dockerfile.v0`, `gateway.v0`. */
  readonly frontend: string;
  readonly options: ReadonlyMap<string, string>;
  /** By the names that the request gives them; without those of which it is not known who made them. */
  readonly inputs: ReadonlyMap<string, AskedRequest>;
}

/**
 * Who asked for what in one build: a frontend may ask others, and hand on what they made. A result is of the innermost request that
 * made it; an input, which is a graph alone, is known by the operation at its end, as in BuildKit.
 */
export class RequestTrail {
  readonly #makers = new WeakMap<BridgeReference, AskedRequest>();
  /** By the digest of the last operation; of each, the requests that differ, by what they say. */
  readonly #byHead = new Map<Digest, ReadonlyMap<string, AskedRequest>>();

  /** A request that is being made now. */
  ask(frontend: string, options: ReadonlyMap<string, string>, inputs: ReadonlyMap<string, Definition>): AskedRequest {
    const known = [...inputs].flatMap(([name, definition]) => {
      const maker = this.#makerOf(definition);
      return maker === undefined ? [] : [[name, maker] as const];
    });
    return { frontend, options, inputs: new Map(known) };
  }

  /** What a request came to. What another one made before stays that one's. */
  answer<R extends BridgeResult>(request: AskedRequest, result: R): R {
    const { references } = result;
    for (const reference of references.kind === "single" ? [references.reference] : references.references.values()) {
      if (reference === undefined || this.#makers.has(reference)) continue;
      this.#makers.set(reference, request);
      const head = headOf(reference.definition);
      if (head !== undefined) this.#byHead.set(head, new Map([...(this.#byHead.get(head) ?? []), [textOf(request), request]]));
    }
    return result;
  }

  makerOf(reference: BridgeReference): AskedRequest | undefined {
    return this.#makers.get(reference);
  }

  /** Undefined where two that differ made the same: it is not known which of them is meant. */
  #makerOf(definition: Definition): AskedRequest | undefined {
    const head = headOf(definition);
    const makers = [...(head === undefined ? [] : (this.#byHead.get(head)?.values() ?? []))];
    return makers.length === 1 ? makers[0] : undefined;
  }
}

function headOf(definition: Definition): Digest | undefined {
  return definition.def.length === 0 ? undefined : loadGraph(definition).head?.digest;
}

function textOf({ frontend, options, inputs }: AskedRequest): string {
  const sorted = (entries: Iterable<readonly [string, string]>): unknown => [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([frontend, sorted(options), sorted([...inputs].map(([name, input]) => [name, textOf(input)] as const))]);
}
