import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { settledCapture } from "./capture.ts";
import { renderJson, sortedObject, type JsonObject, type JsonTree } from "./json-tree.ts";
import { lentJson, makePredicate, type ProvenanceInput } from "./predicate.ts";
import { publishedPredicate } from "./scrub-statement.ts";
import { slsaV02, slsaV02Inputs } from "./slsa-v02.ts";

/** What `--metadata-file` tells of one build (anchor a.6). What is undefined is left out. */
export interface BuildMetadata {
  /** `builder/node/id`. */
  readonly ref: string;
  /** By platform (`linux/amd64`); one without a platform for a build of one image. Empty when switched off. */
  readonly provenance: ReadonlyArray<{ readonly platform: string | undefined; readonly predicate: JsonObject }>;
  readonly descriptor: Descriptor | undefined;
  /** Of a single image. */
  readonly configDigest: Digest | undefined;
  /** Names of the image, as in the request. */
  readonly imageNames: readonly string[];
  /** Lint warnings, when asked for. */
  readonly warnings: readonly JsonTree[] | undefined;
  /** Of a cache that was exported as an image. */
  readonly cacheManifest?: Descriptor;
}

/**
 * The provenance for a metadata file: always of SLSA v0.2's shape, whatever the attestation has. `min` leaves out
 * steps and run, and, unlike buildx, the values of build arguments and labels; names of secrets stay, as there.
 */
export function metadataProvenance(input: ProvenanceInput, mode: "min" | "max"): JsonObject {
  const plan = { ...input.plan, mode, reproducible: false, completeMaterials: false };
  const predicate = makePredicate({ ...input, plan });
  const told = mode === "max" ? slsaV02(predicate) : slsaV02Inputs({ ...predicate, request: { ...predicate.request, ...lentJson(settledCapture(input.capture)) } });
  return publishedPredicate(told, input);
}

export function metadataFile({ ref, provenance, descriptor, configDigest, imageNames, warnings, cacheManifest }: BuildMetadata): Uint8Array {
  const members: Array<readonly [string, JsonTree]> = [
    ...provenance.map(({ platform, predicate }) => [`buildx.build.provenance${platform === undefined ? "" : `/${platform}`}`, predicate] as const),
    ["buildx.build.ref", ref],
    ["buildx.build.warnings", warnings],
    // buildx writes this one as JSON within a string.
    ["cache.manifest", cacheManifest === undefined ? undefined : renderJson(descriptorJson(cacheManifest), "compact")],
    ["containerimage.config.digest", configDigest],
    ["containerimage.descriptor", descriptor === undefined ? undefined : descriptorJson(descriptor)],
    ["containerimage.digest", descriptor?.digest],
    ["image.name", imageNames.length === 0 ? undefined : imageNames.join(",")],
  ];
  return Buffer.from(renderJson(sortedObject(members), "indented"));
}

function descriptorJson({ mediaType, digest, size, annotations, platform }: Descriptor): JsonObject {
  return { mediaType, digest, size, annotations: annotations === undefined ? undefined : sortedObject(Object.entries(annotations)), platform: platform === undefined ? undefined : { ...platform } };
}
