/** Where the statements about an image go (`--attest-store`). */
export type AttestStore =
  | { readonly kind: "index" }
  /** `otherwise`: what happens where a registry takes no referrers. */
  | { readonly kind: "referrers" | "both"; readonly otherwise: "index" | "none" | "fail" }
  /** Absolute path of a directory. */
  | { readonly kind: "file"; readonly directory: string }
  | { readonly kind: "none" };

/** How statements are stored with an image. */
export interface EvidenceForm {
  /** `apart`: not with the image. */
  readonly place: "index" | "referrers" | "both" | "apart";
  /**
   * What their manifest is like: an OCI artifact with a subject, or an image of statements, which needs a
   * subject only where it is to be found by it (anchor b.8, oci-artifact).
   */
  readonly manifest: "artifact" | "image";
}

/** What a registry may not take: the form of an OCI artifact, or manifests that are found by their subject. */
export type RefusedPart = "artifact" | "referrers";

/** What a target says of where evidence goes. */
export interface EvidenceWishes {
  readonly store: AttestStore;
  /** Attestation manifests as OCI artifacts where registries take them. */
  readonly artifact: boolean;
}

/** The form that is wanted, and then those that may stand in for it where a registry refuses it. */
export function evidenceForms({ store, artifact }: EvidenceWishes): readonly [EvidenceForm, ...EvidenceForm[]] {
  const apart = { place: "apart", manifest: "image" } as const;
  const [first, ...rest] = places(store).flatMap((place): EvidenceForm[] => {
    if (place === "apart") return [apart];
    const image = { place, manifest: "image" } as const;
    return artifact ? [{ place, manifest: "artifact" }, image] : [image];
  });
  return [first ?? apart, ...rest];
}

function places(store: AttestStore): ReadonlyArray<EvidenceForm["place"]> {
  switch (store.kind) {
    case "index":
      return ["index"];
    case "referrers":
    case "both":
      return store.otherwise === "fail" ? [store.kind] : [store.kind, store.otherwise === "index" ? "index" : "apart"];
    case "file":
    case "none":
      return ["apart"];
  }
}

/** The forms that are left once a registry has refused a part of them. */
export function withoutPart(forms: readonly EvidenceForm[], part: RefusedPart): readonly EvidenceForm[] {
  return forms.filter(({ place, manifest }) => (part === "artifact" ? manifest !== "artifact" : !isFoundBySubject(place)));
}

/** True where readers find the statements by asking what refers to the image. */
export function isFoundBySubject(place: EvidenceForm["place"]): boolean {
  return place === "referrers" || place === "both";
}

export function standsInIndex(place: EvidenceForm["place"]): boolean {
  return place === "index" || place === "both";
}
