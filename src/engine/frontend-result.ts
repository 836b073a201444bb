import type { BridgeAttestation, BridgeReference, BridgeResult } from "../bridge/bridge.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import type { FrontendResult, PlatformResult } from "../frontend/frontend.ts";
import { DEFAULT_PATH } from "../frontend/dockerfile/convert/docker-image.ts";
import type { Definition } from "../llb/definition.ts";
import { formatAllPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";

/** Names that frontends and exporters agree on (BuildKit's exptypes); one platform of several is told by `/ID`. */
const CONFIG_KEY = "containerimage.config";
const BASE_CONFIG_KEY = "containerimage.base.config";
const EPOCH_KEY = "source.date.epoch";
const PLATFORMS_KEY = "refs.platforms";

/** One platform of what a frontend made. */
export interface FrontendPlatform {
  readonly platform: Platform;
  readonly definition: Definition;
  /** What the definition came from; undefined for an empty tree. */
  readonly reference: BridgeReference | undefined;
  readonly config: Uint8Array;
  readonly epochSeconds: bigint | undefined;
  readonly attestations: readonly BridgeAttestation[];
}

/** What our own frontend made, as a frontend in a container would return it. */
export function frontendResult({ results, multiPlatform }: Pick<FrontendResult, "results" | "multiPlatform">, referenceOf: (definition: Definition) => BridgeReference | undefined, host: Platform): BridgeResult {
  const named = results.map((result) => ({ result, platform: normalizePlatform(result.platform ?? host) })).map((each) => ({ ...each, id: formatAllPlatform(each.platform) }));
  const [single] = named;
  const metadata = named.flatMap(({ result, id }) => metadataOf(result, multiPlatform ? `/${id}` : ""));
  const platforms = { Platforms: named.map(({ id, platform }) => ({ ID: id, Platform: platform })) };
  return {
    references: multiPlatform
      ? { kind: "many", references: new Map(named.map(({ id, result }) => [id, referenceOf(result.definition)])) }
      : { kind: "single", reference: single === undefined ? undefined : referenceOf(single.result.definition) },
    metadata: new Map([...metadata, [PLATFORMS_KEY, Buffer.from(JSON.stringify(platforms))]]),
    attestations: new Map(),
  };
}

function metadataOf({ config, baseConfig, epochSeconds }: PlatformResult, suffix: string): Array<readonly [string, Uint8Array]> {
  return [
    [CONFIG_KEY + suffix, config],
    ...(baseConfig === undefined ? [] : [[BASE_CONFIG_KEY + suffix, baseConfig] as const]),
    ...(epochSeconds === undefined ? [] : [[EPOCH_KEY + suffix, Buffer.from(String(epochSeconds))] as const]),
  ];
}

/** What a frontend in a container returned, one for each platform. Throws FrontendFailure for what makes no result. */
export function frontendPlatforms({ references, metadata, attestations }: BridgeResult, host: Platform): { readonly platforms: readonly FrontendPlatform[]; readonly multiPlatform: boolean } {
  if (references.kind === "single") {
    const config = metadata.get(CONFIG_KEY) ?? defaultConfig(host);
    const [told] = toldPlatforms(metadata);
    return { multiPlatform: false, platforms: [{ platform: told?.platform ?? platformOfConfig(config, host), definition: definitionOf(references.reference), reference: references.reference, config, epochSeconds: epochOf(metadata, ""), attestations: [...attestations.values()].flat() }] };
  }
  const told = toldPlatforms(metadata);
  if (told.length === 0) throw new FrontendFailure("unable to export multiple refs, missing platforms mapping", undefined);
  const platforms = told.map(({ id, platform }): FrontendPlatform => {
    if (!references.references.has(id)) throw new FrontendFailure(`failed to find ref for ID ${id}`, undefined);
    return { platform, definition: definitionOf(references.references.get(id)), reference: references.references.get(id), config: metadata.get(`${CONFIG_KEY}/${id}`) ?? defaultConfig(platform), epochSeconds: epochOf(metadata, `/${id}`), attestations: attestations.get(id) ?? [] };
  });
  return { multiPlatform: true, platforms };
}

const EMPTY: Definition = { def: [], metadata: new Map(), source: undefined };

function definitionOf(reference: BridgeReference | undefined): Definition {
  return reference?.definition ?? EMPTY;
}

function toldPlatforms(metadata: ReadonlyMap<string, Uint8Array>): ReadonlyArray<{ readonly id: string; readonly platform: Platform }> {
  const told = jsonOf(metadata.get(PLATFORMS_KEY), PLATFORMS_KEY) as { readonly Platforms?: ReadonlyArray<{ readonly ID?: unknown; readonly Platform?: unknown }> } | undefined;
  return (told?.Platforms ?? []).map(({ ID, Platform: platform }) => {
    if (typeof ID !== "string" || !isPlatform(platform)) throw new FrontendFailure(`the frontend's ${PLATFORMS_KEY} names a platform without an ID, architecture or os`, undefined);
    return { id: ID, platform };
  });
}

/** The configuration says what the tree is for, where it says anything. */
export function platformOfConfig(config: Uint8Array, host: Platform): Platform {
  const said = jsonOf(config, CONFIG_KEY);
  if (!isPlatform(said)) return host;
  const { architecture, os, variant, "os.version": version, "os.features": features } = said;
  return normalizePlatform({ architecture, os, ...(variant === undefined ? {} : { variant }), ...(version === undefined ? {} : { "os.version": version }), ...(features === undefined ? {} : { "os.features": features }) });
}

/** A Dockerfile's result is for whom it was asked for, whichever of their processors its base was made for. */
export function platformAskedFor(config: Uint8Array, host: Platform): Platform {
  const said = platformOfConfig(config, host);
  const asked = normalizePlatform(host);
  return said.os === asked.os && said.architecture === asked.architecture ? asked : said;
}

/** Of Windows, a base says for which version its files are, where nobody asked for one. */
export function withWindowsVersion(platform: Platform, config: Uint8Array): Platform {
  const said = platform.os === "windows" ? platformOfConfig(config, platform) : platform;
  if (said.os !== "windows") return platform;
  const { "os.version": version, "os.features": features } = { ...said, ...platform };
  return { ...platform, ...(version === undefined ? {} : { "os.version": version }), ...(features === undefined ? {} : { "os.features": features }) };
}

function isPlatform(value: unknown): value is Platform {
  return typeof value === "object" && value !== null && "architecture" in value && typeof value.architecture === "string" && "os" in value && typeof value.os === "string" && value.os !== "";
}

function epochOf(metadata: ReadonlyMap<string, Uint8Array>, suffix: string): bigint | undefined {
  const bytes = metadata.get(EPOCH_KEY + suffix) ?? metadata.get(EPOCH_KEY);
  if (bytes === undefined || bytes.byteLength === 0) return undefined;
  const text = Buffer.from(bytes).toString("utf8");
  if (!/^-?\d{1,18}$/.test(text)) throw new FrontendFailure(`invalid SOURCE_DATE_EPOCH from frontend: ${JSON.stringify(text)}`, undefined);
  return BigInt(text);
}

function jsonOf(bytes: Uint8Array | undefined, name: string): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new FrontendFailure(`the frontend's ${name} is not JSON`, undefined, { cause: error });
  }
}

/** What BuildKit gives a tree that came without a configuration. */
function defaultConfig({ architecture, os, variant }: Platform): Uint8Array {
  const platform = { architecture, os, ...(variant === undefined ? {} : { variant }) };
  return Buffer.from(JSON.stringify({ ...platform, rootfs: { type: "layers", diff_ids: null }, config: { Env: [DEFAULT_PATH], WorkingDir: "/" } }));
}
