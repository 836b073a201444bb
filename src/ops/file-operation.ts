import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import type { FileOp } from "../llb/op.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { KnownHashes } from "../snapshot/shared-checksum.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { CacheMap, Operation } from "../solver/operation.ts";
import type { LayerFacts } from "../store/layer-facts.ts";
import { baseName, fileSharedMap } from "./file-shared.ts";
import { runFileOp } from "./file.ts";
import { selectionsInOrder } from "./file-selectors.ts";
import { usedContent } from "./used-content.ts";

export interface FileServices {
  readonly layers: LayerStore;
  readonly facts: LayerFacts;
  readonly clock: Clock;
  /** For naming files as others do. */
  readonly hashes: KnownHashes;
}

/** Of what counts by its content, as BuildKit has it, the key has the last name alone: where it lay makes no difference to the result. */
export function fileCacheMap(op: FileOp, inputCount: number): Omit<CacheMap<LayerChain>, "shared"> {
  const selections = selectionsInOrder(op, inputCount);
  const actions = op.actions.map((each) => {
    const { action, secondaryInput } = each;
    if (action.case !== "copy" || selections[Number(secondaryInput)] === undefined) return each;
    return { ...each, action: { ...action, value: { ...action.value, src: baseName(action.value.src) } } };
  });
  return { digest: digestOf(Buffer.from(canonicalJson(["file", { ...op, actions }]))), contentOf: selections.map((used) => used && usedContent(used)), reusable: true };
}

/** COPY, ADD, WORKDIR and their kin: the tree that is built upon counts by what made it, what is copied by its content. */
export function fileOperation(op: FileOp, inputCount: number, services: FileServices): Operation<LayerChain> {
  return {
    cacheMap: async () => ({ ...fileCacheMap(op, inputCount), shared: () => fileSharedMap(op, inputCount, services.hashes) }),
    async execute(inputs, signal) {
      const chains = await runFileOp(op, inputs, services.layers, { signal, clock: services.clock });
      for (const layer of chains.flatMap((chain) => chain.at(-1) ?? [])) {
        // A file operation may also give back a tree as it was.
        if (services.facts.createdNs(layer.id) === undefined) services.facts.saveCreated(layer.id, services.clock.nowNs());
      }
      return chains;
    },
  };
}
