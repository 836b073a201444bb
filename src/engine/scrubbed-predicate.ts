import { goJson } from "../content/go-json.ts";
import type { JsonTree } from "../provenance/json-tree.ts";
import { scrubDocumentTree } from "../provenance/scrub-document.ts";
import type { Scrubber } from "../scrub/scrubber.ts";

export interface PredicateScrubbing {
  readonly predicateType: string;
  readonly scrubber: Scrubber;
}

/** What somebody else wrote of a result, parsed, without its secrets; it says so where there were some. */
export async function scrubbedPredicate(predicate: unknown, scrubbing: PredicateScrubbing, signal: AbortSignal): Promise<JsonTree> {
  // JSON.parse has made it.
  return await scrubDocumentTree(predicate as JsonTree, scrubbing, signal);
}

/** The same for the bytes of a file. They stay as they are where there is no secret. */
export async function scrubbedPredicateFile(bytes: Uint8Array, scrubbing: PredicateScrubbing, signal: AbortSignal): Promise<Uint8Array> {
  const predicate: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
  const scrubbed = await scrubbedPredicate(predicate, scrubbing, signal);
  return scrubbed === predicate ? bytes : Buffer.from(goJson(scrubbed));
}
