import { InvalidDigestError, parseDigest, type Digest, type DiffId } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { CacheConfig, CacheLayer, CacheLink, CacheRecord, CacheResult, LayerAnnotations } from "./cache-config.ts";
import { CacheError } from "./cache-error.ts";

/** Far above any real build; bounds on what is held in memory of what others wrote. */
const RECORDS_MAX = 200_000;
const LAYERS_MAX = 200_000;
const LINKS_MAX = 2_000_000;
/** Layers of one result: several times what an image may have. */
const CHAIN_MAX = 1_000;

/** Throws CacheError ("invalid") for anything but a configuration whose indexes lead somewhere, and never in a circle. */
export function parseCacheConfig(bytes: Uint8Array): CacheConfig {
  return checkCacheConfig(parseJson(bytes));
}

/** The same for one that was put together from several documents. */
export function checkCacheConfig(document: unknown): CacheConfig {
  const config = objectOf(document, "the configuration");
  const layers = listOf(config["layers"], "layers", LAYERS_MAX).map(layerOf);
  checkChains(layers);
  const limit = { linksLeft: LINKS_MAX };
  const records = listOf(config["records"], "records", RECORDS_MAX).map((record) => recordOf(record, layers.length, limit));
  checkLinks(records);
  return { layers, records };
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw invalid("it is no JSON", cause);
    throw cause;
  }
}

function layerOf(value: unknown): CacheLayer {
  // Go leaves out what is 0: such a layer stands on the first, and one that stands on none says -1.
  const { blob, parent = 0, annotations } = objectOf(value, "a layer");
  return { blob: digestOfText(blob), parent: parent === -1 ? -1 : indexOf(parent, LAYERS_MAX), annotations: annotations === undefined || annotations === null ? undefined : annotationsOf(annotations) };
}

function annotationsOf(value: unknown): LayerAnnotations {
  const { mediaType, diffID, size = 0, createdAt } = objectOf(value, "annotations of a layer");
  if (typeof mediaType !== "string") throw invalid("a layer has no media type");
  return { mediaType, diffId: digestOfText(diffID) as string as DiffId, sizeBytes: indexOf(size, Number.MAX_SAFE_INTEGER), createdNs: timeOf(createdAt) };
}

function recordOf(value: unknown, layerCount: number, limit: { linksLeft: number }): CacheRecord {
  const { digest, inputs, layers, chains } = objectOf(value, "a record");
  return {
    digest: digestOfText(digest),
    inputs: listOf(inputs, "inputs", RECORDS_MAX).map((links) => linksOf(links, limit)),
    results: [...listOf(layers, "results", CHAIN_MAX).map((result) => chainOf(result, layerCount)), ...listOf(chains, "results", CHAIN_MAX).map((result) => pickedOf(result, layerCount))],
  };
}

function linksOf(value: unknown, limit: { linksLeft: number }): readonly CacheLink[] {
  const links = listOf(value, "links", limit.linksLeft);
  if (links.length === 0) throw invalid("an input has no links");
  limit.linksLeft -= links.length;
  return links.map((link) => {
    const { selector = "", link: index } = objectOf(link, "a link");
    if (typeof selector !== "string") throw invalid("a selector is no text");
    return { selector, link: indexOf(index, RECORDS_MAX) };
  });
}

function chainOf(value: unknown, layerCount: number): CacheResult {
  const { layer, createdAt } = objectOf(value, "a result");
  return { kind: "chain", top: indexOf(layer, layerCount), createdNs: timeOf(createdAt) };
}

function pickedOf(value: unknown, layerCount: number): CacheResult {
  const { layers, createdAt } = objectOf(value, "a result");
  return { kind: "picked", layers: listOf(layers, "layers of a result", CHAIN_MAX).map((layer) => indexOf(layer, layerCount)), createdNs: timeOf(createdAt) };
}

/** A layer's way down ends, and soon. */
function checkChains(layers: readonly CacheLayer[]): void {
  const heights = new Map<number, number>([[-1, 0]]);
  for (const start of layers.keys()) {
    const above: number[] = [];
    let at = start;
    for (let height = heights.get(at); height === undefined; height = heights.get(at)) {
      if (above.length > CHAIN_MAX) throw invalid("its layers go in a circle, or stand too high on each other");
      above.push(at);
      const layer = layers[at];
      if (layer === undefined) throw invalid(`there is no layer ${at}`);
      at = layer.parent;
    }
    for (const index of above.toReversed()) {
      const height = (heights.get(layers[index]?.parent ?? -1) ?? 0) + 1;
      if (height > CHAIN_MAX) throw invalid("its layers stand too high on each other");
      heights.set(index, height);
    }
  }
}

/** No record leads to itself. */
function checkLinks(records: readonly CacheRecord[]): void {
  const state = new Map<number, "open" | "done">();
  const linksOfRecord = (index: number): readonly number[] => {
    const record = records[index];
    if (record === undefined) throw invalid(`there is no record ${index}`);
    return record.inputs.flatMap((links) => links.map(({ link }) => link));
  };
  for (const start of records.keys()) {
    const stack = [start];
    for (let index = stack.at(-1); index !== undefined; index = stack.at(-1)) {
      if (state.has(index)) {
        state.set(index, "done");
        stack.pop();
        continue;
      }
      state.set(index, "open");
      for (const link of linksOfRecord(index)) {
        const seen = state.get(link);
        if (seen === "open") throw invalid(`its records go in a circle at ${link}`);
        if (seen === undefined) stack.push(link);
      }
    }
  }
}

export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(`${what} is no JSON object`);
  return value as Readonly<Record<string, unknown>>;
}

/** Go writes an empty list as none, or as null. */
export function listOf(value: unknown, what: string, max: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(`${what} are no list`);
  if (value.length > max) throw invalid(`it has more than ${max} ${what}`);
  return value;
}

export function digestOfText(value: unknown): Digest {
  try {
    if (typeof value !== "string") throw invalid("a digest is no text");
    return parseDigest(value);
  } catch (cause) {
    if (cause instanceof InvalidDigestError) throw invalid(cause.message, cause);
    throw cause;
  }
}

function indexOf(value: unknown, end: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= end) throw invalid(`${JSON.stringify(value)} is no index of what is there`);
  return value;
}

function timeOf(value: unknown): bigint {
  try {
    if (value === undefined) return 0n;
    if (typeof value !== "string") throw invalid("a time is no text");
    return parseRfc3339(value);
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid(cause.message, cause);
    throw cause;
  }
}

function invalid(finding: string, cause?: unknown): CacheError {
  return new CacheError("invalid", `invalid cache configuration: ${finding}`, { cause });
}
