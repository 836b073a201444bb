import { writeCacheRecords } from "../cache/cache-config.ts";
import { INLINE_CACHE_KEY } from "../cache/inline-cache.ts";
import { goJson } from "../content/go-json.ts";
import { parseExactJson } from "../content/exact-json.ts";
import { recordGraph } from "./cache-exports.ts";
import type { CacheExport } from "./plan-cache.ts";
import type { InlineCache } from "./publish-context.ts";
import { sharedSteps, withResults } from "./shared-steps.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** For `type=inline`: what an image's configuration tells of how its layers came to be. Undefined where that was not asked for. */
export async function inlineCache(exports: readonly CacheExport[], solved: SolvedGraphs): Promise<InlineCache | undefined> {
  if (!exports.some(({ kind }) => kind === "inline")) return undefined;
  const steps = await sharedSteps(solved);
  return async ({ config, chain }, blobs) => {
    const digests = chain.flatMap(({ id }) => blobs.get(id)?.descriptor.digest ?? []);
    const records = recordGraph(withResults(steps, "min", [chain]), blobs).recordsFor(digests);
    if (records.every(({ results }) => results.length === 0)) return config;
    // A frontend's configuration; that it is one is seen to where it is finished.
    const members = parseExactJson(Buffer.from(config).toString("utf8")) as Readonly<Record<string, unknown>> | null;
    return members === null ? config : Buffer.from(goJson({ ...members, [INLINE_CACHE_KEY]: Buffer.from(writeCacheRecords(records)).toString("base64") }));
  };
}
