import type { ImageDocuments, ManifestDocuments } from "./image-documents.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type JsonRecord = { readonly [key: string]: Json };

/** An image without what differs between two equal builds on two machines. */
export interface Comparable {
  readonly rootMediaType: string;
  readonly index: Json;
  readonly manifests: ReadonlyArray<{ readonly manifest: Json; readonly config: Json; readonly statements: readonly Json[] }>;
}

export interface ComparableOptions {
  /** Of the registry: it is part of names. */
  readonly host: string;
  /** True where files of the client are compared by name only: layers have no digests then. */
  readonly withoutLayers?: boolean;
}

const INVOCATION = new Set(["invocationId", "startedOn", "finishedOn", "buildInvocationID", "buildStartedOn", "buildFinishedOn"]);

/**
 * The documents with names in place of what may differ: compressed layers are named by their diff ids, manifests and statements
 * by their place, the registry by a word. Ids and times of the run are gone, as is what only we say (`stemma_*`).
 */
export function comparable(image: ImageDocuments, options: ComparableOptions): Comparable {
  const names = new Map<string, string>();
  for (const [i, manifest] of image.manifests.entries()) nameDigests(manifest, i, names, options);
  const read = (text: string): Json => {
    const hostless = text.replaceAll(options.host, "REGISTRY").replaceAll(encodeURIComponent(options.host), "REGISTRY");
    return masked(JSON.parse(hostless.replaceAll(/[0-9a-f]{64}/g, (hex) => names.get(hex) ?? hex)) as Json);
  };
  return {
    rootMediaType: image.rootMediaType,
    index: image.index === undefined ? null : read(image.index),
    manifests: image.manifests.map(({ text, config, statements }) => ({ manifest: read(text), config: read(config), statements: statements.map(read) })),
  };
}

function nameDigests(manifest: ManifestDocuments, place: number, names: Map<string, string>, { withoutLayers = false }: ComparableOptions): void {
  const hexOf = (digest: string): string => digest.slice("sha256:".length);
  const { layers, config } = JSON.parse(manifest.text) as { layers: Array<{ digest: string }>; config: { digest: string } };
  const { rootfs } = JSON.parse(manifest.config) as { rootfs?: { diff_ids: string[] } };
  names.set(hexOf(manifest.digest), `(manifest ${place})`);
  for (const [i, { digest }] of layers.entries()) {
    names.set(hexOf(digest), rootfs === undefined ? `(statement ${i} of ${place})` : withoutLayers ? `(layer ${i})` : `(layer ${rootfs.diff_ids[i]})`);
    if (withoutLayers && rootfs !== undefined) names.set(hexOf(rootfs.diff_ids[i] ?? ""), `(layer ${i})`);
  }
  // It holds the diff ids.
  if (withoutLayers && rootfs !== undefined) names.set(hexOf(config.digest), `(config ${place})`);
}

function masked(value: Json): Json {
  if (Array.isArray(value)) return value.map(masked);
  if (!isRecord(value)) return value;
  const named = typeof value["digest"] === "string" && value["digest"].startsWith("sha256:(");
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("stemma_") && !INVOCATION.has(key)).map(([key, member]): [string, Json] => {
    if (key === "size" && named) return [key, "(size)"];
    if (key === "layers" && isRecord(member)) return [key, Object.fromEntries(Object.entries(member).map(([step, chains]) => [step, placesOf(chains)]))];
    if (key === "digestMapping" && isRecord(member)) return [key, maskedMapping(member, value["llbDefinition"] ?? [])];
    return [key, masked(member)];
  }));
}

/**
 * The layers after a step, by number only: BuildKit records those before `rewrite-timestamp`, which are no part of the image,
 * and we those of the image.
 */
function placesOf(chains: Json): Json {
  return (chains as ReadonlyArray<readonly JsonRecord[]>).map((chain) => chain.map(({ mediaType = null }, i) => ({ mediaType, digest: `(layer ${i} of the chain)` })));
}

/** Steps with their digests, but for those that a local directory reaches: its operation holds the session's id. */
function maskedMapping(mapping: JsonRecord, definition: Json): Json {
  const local = new Set<string>();
  for (const { id, inputs = [], op } of definition as unknown as ReadonlyArray<{ id: string; inputs?: string[]; op: Json }>) {
    const text = JSON.stringify(op);
    if (text.includes('"identifier":"local://') || inputs.some((input) => local.has(input.split(":")[0] ?? ""))) local.add(id);
  }
  const rows = Object.entries(mapping).map(([digest, step]): [string, string] => [String(step), local.has(String(step)) ? "(of a session)" : digest]);
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
