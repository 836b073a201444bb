import type { EvidenceForm } from "../export/evidence.ts";
import type { EvidencePlace } from "./build-outcome.ts";
import type { PublishedImage } from "./publish-image.ts";
import type { FormRefusal } from "./push-evidence.ts";

/** A form that was wanted, and another one that stands in for it. */
export interface StandIn {
  readonly wanted: EvidenceForm;
  readonly chosen: EvidenceForm;
  readonly refusals: readonly FormRefusal[];
}

/** What was chosen, and why, in one line. */
export function describeStandIn({ wanted, chosen, refusals }: StandIn): string {
  // Two forms are often refused for one reason.
  const why = [...new Set(refusals.map(({ repository, words }) => `${repository} refuses it with ${words}`))].join("; ");
  return `WARNING: attestations ${describeWanted(wanted)} were not taken (${why}): ${describeChosen(wanted, chosen)}`;
}

function describeWanted({ place, manifest }: EvidenceForm): string {
  const form = manifest === "artifact" ? "as OCI artifacts" : "in the older form";
  return place === "referrers" ? `${form} that refer to the image` : form;
}

function describeChosen(wanted: EvidenceForm, { place, manifest }: EvidenceForm): string {
  switch (place) {
    case "apart":
      return "no attestation is stored with the image; --attest-store=file:DIRECTORY keeps them";
    case "referrers":
      return "they refer to it in the older form, where stemma finds them and buildx does not";
    case "both":
      return "they stand in the index and refer to the image in the older form";
    case "index": {
      const form = manifest === "artifact" ? "in the index only" : "in the index, in the older form (oci-artifact=false)";
      return `they stand ${form}${wanted.place === "referrers" ? ", and the tag names an index" : ""}`;
    }
  }
}

/** Where the evidence about an image is, or what would bring some, in one line. */
export function describeEvidence({ root, names, evidence, isStored }: Pick<PublishedImage, "root" | "names" | "evidence" | "isStored">, lack: () => string): string {
  const image = `${root.digest}${names.length === 0 ? "" : ` (${names.join(", ")})`}`;
  if (evidence.kind === "none") return `${image}: there is no evidence with it, since ${lack()}`;
  if (isStored || evidence.kind === "file") return `${image}: ${placeText(evidence)}`;
  return `${image} is not pushed, nor is its evidence`;
}

function placeText(evidence: Exclude<EvidencePlace, { readonly kind: "none" }>): string {
  switch (evidence.kind) {
    case "index":
      return `its evidence is in the index, in ${evidence.attestations.join(", ")}`;
    case "referrers":
      return `its evidence refers to it, in ${evidence.attestations.join(", ")}`;
    case "both":
      return `its evidence is in the index and refers to it, in ${evidence.attestations.join(", ")}`;
    case "file":
      return `its evidence is in ${evidence.paths.join(", ")}`;
  }
}
