import type { Capture } from "./capture.ts";
import { nonEmptyList, type JsonObject } from "./json-tree.ts";

/** What the result of a RUN can depend on that no record can name. */
export type OpenInput = "cache-mount" | "device" | "secret" | "security" | "ssh";

/** An input that was not captured, in the words of the record. */
export type Uncaptured = OpenInput | "cache" | "image" | "local" | "machine" | "network" | "unknown";

/**
 * What kept a build from being hermetic in our sense: every input that its result can depend on is named in the record by
 * the digest of its content. Sorted; empty for a hermetic build. Why each counts is in docs/provenance.md.
 */
export function uncapturedInputs({ images, locals, runs, requests, imported, incomplete }: Capture): readonly Uncaptured[] {
  const found: Uncaptured[] = [
    ...(images.every(({ digest }) => digest !== undefined) ? [] : ["image" as const]),
    ...(locals.every(({ digest }) => digest !== undefined) ? [] : ["local" as const]),
    ...(imported ? ["cache" as const] : []),
    ...(incomplete ? ["unknown" as const] : []),
    // What a proxy let pass is named, each file by its digest, but for these.
    ...(requests.length === 0 ? [] : ["network" as const]),
    ...runs.flatMap(({ network, open, isolation }) => [...(network === "host" ? ["network" as const] : []), ...(isolation?.runtime === "chroot" ? ["machine" as const] : []), ...open]),
  ];
  return [...new Set(found)].toSorted();
}

export function hermeticJson(capture: Capture): JsonObject {
  const uncaptured = uncapturedInputs(capture);
  return { verified: uncaptured.length === 0, check: "inputs", uncaptured: nonEmptyList(uncaptured) };
}
