import { goBoolean } from "../content/go-boolean.ts";
import { isIndex } from "../oci/media-type.ts";
import { formatPlatform } from "../oci/platform.ts";
import { metadataFile, metadataProvenance } from "../provenance/metadata-file.ts";
import { parseMetadataMode, type ProvenancePlan } from "../provenance/params.ts";
import { parseJsonTree } from "../provenance/json-tree.ts";
import type { WarningEvent } from "../progress/event.ts";
import { warningObject } from "../progress/raw-json.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildOutcome } from "./build-outcome.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { PublishedImage } from "./publish-image.ts";
import { provenanceInput } from "./record.ts";
import type { AttestedResults } from "./results.ts";

/** In the metadata file the provenance is told also where no statement was asked for (anchor a.6). */
export const UNASKED: ProvenancePlan = {
  mode: "max", version: "v0.2", builder: { id: "", basis: "none" }, filename: "provenance.json", reproducible: false, inlineOnly: false, completeMaterials: false, captureUsage: false,
};

export interface FinishedBuild {
  readonly plan: BuildPlan;
  readonly attested: AttestedResults;
  readonly published: PublishedImage | undefined;
  readonly warnings: readonly WarningEvent[];
}

export async function describeOutcome({ plan, attested, published, warnings }: FinishedBuild, means: BuildMeans): Promise<BuildOutcome> {
  const platforms = published?.image.platforms ?? [];
  // One output that prefers the manifest decides for all, as with buildx.
  const prefersRoot = plan.exports.some((target) => "form" in target && target.form.prefersRoot);
  const single = published === undefined || isIndex(published.root.mediaType) || prefersRoot ? undefined : platforms[0];
  const told = goBoolean(means.env["BUILDX_METADATA_WARNINGS"]) === true ? warnings.map((warning) => parseJsonTree(JSON.stringify(warningObject(warning)))) : [];
  const ref = `stemma/stemma/${means.id}`;
  const metadata = metadataFile({
    ref,
    provenance: await metadataRecords({ plan, attested, published }, means),
    descriptor: published?.root,
    configDigest: single?.config.digest,
    imageNames: published?.names ?? [],
    warnings: told.length === 0 ? undefined : told,
  });
  return {
    ref,
    imageId: single?.config.digest ?? published?.root.digest,
    image: published?.root,
    names: published?.names ?? [],
    reference: published?.reference,
    sandboxes: [...new Set(attested.parts.flatMap(({ record }) => record.capture.runs.flatMap(({ isolation }) => isolation?.runtime ?? [])))].toSorted(),
    evidence: published?.evidence,
    platforms: platforms.map(({ platform, manifest, config }) => ({ platform, manifest: manifest.digest, config: config.digest })),
    metadata: Buffer.from(metadata).toString("utf8"),
  };
}

async function metadataRecords({ plan, attested: { parts }, published }: Omit<FinishedBuild, "warnings">, means: BuildMeans): Promise<Parameters<typeof metadataFile>[0]["provenance"]> {
  const mode = parseMetadataMode(means.env["BUILDX_METADATA_PROVENANCE"]);
  if (mode === "disabled") return [];
  return await Promise.all(parts.map(async ({ platform, record, layers }) => ({
    platform: parts.length > 1 ? formatPlatform(platform.platform) : undefined,
    predicate: metadataProvenance(provenanceInput(plan.provenance ?? UNASKED, record, mode === "max" ? await layers(published?.layers ?? new Map()) : []), mode),
  })));
}
