import type { ImageDocuments, ManifestDocuments } from "./image-documents.ts";

type Json = null | boolean | number | string | readonly Json[] | JsonRecord;
interface JsonRecord {
  readonly [key: string]: Json;
}

/** An image without what differs between two equal builds on two machines. */
export interface Comparable {
  readonly rootMediaType: string;
  readonly index: Json;
  readonly manifests: ReadonlyArray<{ readonly manifest: Json; readonly config: Json; readonly statements: readonly Json[] }>;
}

export interface ComparableOptions {
  /** Texts that are this place's, with words that stand for them: the registry, a commit. */
  readonly words: ReadonlyArray<readonly [text: string, word: string]>;
  /** True where the files of the layers have other times; layers then count by their number, and times of steps are left out. */
  readonly otherTimes?: boolean;
  /** The address of a material that only we record: the commit, once it is checked (docs/provenance.md). */
  readonly ownMaterial?: string;
}

const INVOCATION = new Set(["invocationId", "startedOn", "finishedOn", "buildInvocationID", "buildStartedOn", "buildFinishedOn"]);
/** Of the samples' base image, and where SOURCE_DATE_EPOCH sets it. */
const FIXED_TIME = "2023-11-14T22:13:20Z";

/**
 * The documents with names in place of what may differ: compressed layers are named by their diff ids, manifests and statements
 * by their place. Ids and times of the run are gone, as is what only we say (`stemma_*`).
 */
export function comparable(image: ImageDocuments, options: ComparableOptions): Comparable {
  const names = new Map<string, string>();
  for (const [i, manifest] of image.manifests.entries()) nameDigests(manifest, i, { names, options });
  const read = (text: string): Json => comparableJson(text.replaceAll(/[0-9a-f]{64}/g, (hex) => names.get(hex) ?? hex), options);
  return {
    rootMediaType: image.rootMediaType,
    index: image.index === undefined ? null : read(image.index),
    manifests: image.manifests.map(({ text, config, statements }) => ({ manifest: read(text), config: read(config), statements: statements.map(read) })),
  };
}

/** The same for one document that stands alone, such as a record beside files. */
export function comparableJson(text: string, options: ComparableOptions): Json {
  const worded = options.words.reduce((changed, [from, to]) => changed.replaceAll(from, to).replaceAll(encodeURIComponent(from), to), text);
  return masked(JSON.parse(worded) as Json, options);
}

interface Naming {
  readonly names: Map<string, string>;
  readonly options: ComparableOptions;
}

function nameDigests(manifest: ManifestDocuments, place: number, { names, options }: Naming): void {
  const hexOf = (digest: string): string => digest.slice("sha256:".length);
  const { layers, config } = JSON.parse(manifest.text) as { layers: Array<{ digest: string }>; config: { digest: string } };
  const { rootfs } = JSON.parse(manifest.config) as { rootfs?: { diff_ids: string[] } };
  names.set(hexOf(manifest.digest), `(manifest ${place})`);
  for (const [i, { digest }] of layers.entries()) {
    const diffId = rootfs?.diff_ids[i] ?? "";
    names.set(hexOf(digest), rootfs === undefined ? `(statement ${i} of ${place})` : options.otherTimes === true ? `(layer ${i})` : `(layer ${diffId})`);
    if (options.otherTimes === true) names.set(hexOf(diffId), `(layer ${i})`);
  }
  // It holds the diff ids and the times.
  if (options.otherTimes === true && rootfs !== undefined) names.set(hexOf(config.digest), `(config ${place})`);
}

function masked(value: Json, options: ComparableOptions): Json {
  if (Array.isArray(value)) return value.map((member: Json) => masked(member, options));
  if (!isRecord(value)) return value;
  const hasName = typeof value["digest"] === "string" && value["digest"].startsWith("sha256:(");
  return Object.fromEntries(Object.entries(value).flatMap(([key, member]): Array<[string, Json]> => {
    if (key.startsWith("stemma_") || INVOCATION.has(key)) return [];
    if (key === "size" && hasName) return [[key, "(size)"]];
    if (key === "created" && options.otherTimes === true && member !== FIXED_TIME) return [[key, "(time)"]];
    if (key === "layers" && isRecord(member)) return [[key, Object.fromEntries(Object.entries(member).map(([step, chains]) => [step, placesOf(chains)]))]];
    if (key === "digestMapping") return [[key, maskedMapping(member, value["llbDefinition"] ?? [])]];
    if (key === "resolvedDependencies" && Array.isArray(member)) {
      const theirs = member.filter((material: Json) => !isRecord(material) || material["uri"] !== options.ownMaterial);
      return theirs.length === 0 ? [] : [[key, theirs]];
    }
    return [[key, masked(member, options)]];
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
function maskedMapping(mapping: Json, definition: Json): Json {
  const local = new Set<string>();
  // The shape of BuildKit's record.
  for (const { id, inputs = [], op } of definition as ReadonlyArray<JsonRecord & { readonly id: string; readonly inputs?: readonly string[]; readonly op: Json }>) {
    const isLocal = JSON.stringify(op).includes('"identifier":"local://');
    if (isLocal || inputs.some((input) => local.has(input.split(":")[0] ?? ""))) local.add(id);
  }
  const rows = Object.entries(mapping as Readonly<Record<string, string>>).map(([digest, step]): [string, string] => [step, local.has(step) ? "(of a session)" : digest]);
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isRecord(value: Json): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
