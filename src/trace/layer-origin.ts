import type { BuildRecord, RecordedStep } from "./build-record.ts";

/** Where a layer of an image comes from, as far as the record says. */
export type LayerOrigin =
  | { readonly kind: "step"; readonly step: RecordedStep; readonly match: LayerMatch }
  /** A layer of the image that the step took over as it is. */
  | { readonly kind: "base"; readonly step: RecordedStep; readonly match: LayerMatch }
  | { readonly kind: "unknown"; readonly missing: string };

/**
 * How the record's layer was found to be the image's: they are the same bytes; or they stand at the same place
 * of chains of equal length, the image's bytes having been rewritten after the step, as `rewrite-timestamp` and
 * another compression do.
 */
export type LayerMatch = { readonly by: "digest" } | { readonly by: "position"; readonly recorded: string };

const IMAGE_SOURCE = /^(?:docker-image|oci-layout):\/\//;

/** One origin for each of the image's layers, lowest first. */
export function layerOrigins(digests: readonly string[], record: BuildRecord): readonly LayerOrigin[] {
  if (record.chains.size === 0) return digests.map(() => ({ kind: "unknown", missing: "the record does not say which step made which layer" }));
  const ordered = { ...record, steps: resultFirst(record) };
  const rewritten = resultChain(digests, ordered);
  return digests.map((digest, index) => {
    const step = stepOfLayer(digests, index, ordered);
    if (step !== undefined) return origin(step, { by: "digest" });
    const recorded = rewritten?.[index];
    const place = rewritten === undefined || recorded === undefined ? undefined : stepOfLayer(rewritten, index, ordered);
    if (place !== undefined && recorded !== undefined) return origin(place, { by: "position", recorded });
    const elsewhere = stepEndingIn(digest, ordered);
    if (elsewhere !== undefined) return origin(elsewhere, { by: "digest" });
    return { kind: "unknown", missing: `no step of the record ends in the layer ${digest}` };
  });
}

/** Another stage may have made the same bytes; the steps that the result stands on are asked before others. */
function resultFirst({ steps, result }: BuildRecord): readonly RecordedStep[] {
  const main = new Set<string>();
  const waiting = result === undefined ? [] : [result.id];
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const step = main.has(id) ? undefined : steps.find((one) => one.id === id);
    if (step === undefined) continue;
    main.add(id);
    waiting.push(...(step.kind === "merge" ? step.inputs : step.inputs.slice(0, 1)));
  }
  return [...steps.filter(({ id }) => main.has(id)), ...steps.filter(({ id }) => !main.has(id))];
}

function origin(step: RecordedStep, match: LayerMatch): LayerOrigin {
  return { kind: isImageSource(step) ? "base" : "step", step, match };
}

function isImageSource({ identifier }: RecordedStep): boolean {
  return identifier !== undefined && IMAGE_SOURCE.test(identifier);
}

/** The chain of the result if it has as many layers as the image. */
function resultChain(digests: readonly string[], { chains, result }: BuildRecord): readonly string[] | undefined {
  return result === undefined ? undefined : chains.get(result.id)?.find((chain) => chain.length === digests.length);
}

/** The step that made layer `index` of a chain: the first whose own chain ends there. */
function stepOfLayer(chain: readonly string[], index: number, record: BuildRecord): RecordedStep | undefined {
  const length = index + 1;
  const whole = record.steps.find((step) => chainsOf(step, record).some((own) => own.length === length && startsWith(own, chain, length)));
  if (whole !== undefined) return whole.kind === "merge" ? (mergedStep(whole, chain[index], record) ?? whole) : whole;
  // A step that brought several layers at once: an image, or a merge of more than one.
  const wider = record.steps.find((step) => chainsOf(step, record).some((own) => own.length > length && startsWith(own, chain, length)));
  if (wider === undefined) return undefined;
  if (wider.kind === "merge") return mergedStep(wider, chain[index], record);
  return isImageSource(wider) ? wider : undefined;
}

/** A merge makes no layer: it puts one of its inputs' on top. */
function mergedStep(merge: RecordedStep, digest: string | undefined, record: BuildRecord): RecordedStep | undefined {
  const inputs = merge.inputs.flatMap((id) => record.steps.filter((step) => step.id === id));
  return inputs.find((input) => chainsOf(input, record).some((own) => own.at(-1) === digest));
}

/** Where the image's chain is none of the record's, as when it was put together from others'. */
function stepEndingIn(digest: string, record: BuildRecord): RecordedStep | undefined {
  const ending = record.steps.find((step) => chainsOf(step, record).some((own) => own.at(-1) === digest));
  return ending ?? record.steps.find((step) => isImageSource(step) && chainsOf(step, record).some((own) => own.includes(digest)));
}

function chainsOf({ id }: RecordedStep, { chains }: BuildRecord): ReadonlyArray<readonly string[]> {
  return chains.get(id) ?? [];
}

function startsWith(chain: readonly string[], prefix: readonly string[], length: number): boolean {
  for (let index = 0; index < length; index += 1) if (chain[index] !== prefix[index]) return false;
  return true;
}
