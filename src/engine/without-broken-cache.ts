import type { LayerChain } from "../snapshot/layer.ts";
import { ImportedLayer, importedLayerError } from "../snapshot/imported-layer.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import { importName } from "./cache-imports.ts";
import { isStdout } from "./plan-build.ts";

/** What goes to standard output cannot be taken back: its layers are seen to be what the cache says before the first byte goes there. */
export async function checkForStdout(plan: BuildPlan, chains: readonly LayerChain[], signal: AbortSignal): Promise<void> {
  if (!plan.exports.some(isStdout)) return;
  for (const layer of new Set(chains.flat())) if (layer instanceof ImportedLayer) await layer.present(signal);
}

/**
 * What to build after a cache turned out to be broken when a layer of it was needed: the same without that cache. What was made
 * until then is found again. Undefined where no cache is to blame, and where a part of the result went to standard output.
 */
export function withoutBrokenCache(error: unknown, plan: BuildPlan, { report, archive, engine, wroteStdout }: BuildMeans): BuildPlan | undefined {
  const broken = importedLayerError(error);
  if (broken === undefined || wroteStdout()) return undefined;
  report({ kind: "notice", message: `WARNING: cache ${broken.message}: what it holds is built anew` });
  const never = new AbortController().signal;
  return {
    ...plan,
    // An archive's bytes can be read once; they are in the store from then on.
    context: archive === undefined ? plan.context : { kind: "archive", bytes: engine.state.blobs.read(archive, never) },
    cache: { ...plan.cache, imports: plan.cache.imports.filter((each) => importName(each) !== broken.cache) },
  };
}
