/** What a predicate type, a URI of in-toto, stands for. */

const PROVENANCE_PREFIX = "https://slsa.dev/provenance/";

export function isProvenance(predicateType: string): boolean {
  return predicateType.startsWith(PROVENANCE_PREFIX);
}

/** The predicate's type without its version: in-toto lets one follow (`https://spdx.dev/Document/v2.3`). */
export function isSpdx(predicateType: string): boolean {
  return /^https:\/\/spdx\.dev\/Document(?:\/|$)/.test(predicateType);
}

export function isCycloneDx(predicateType: string): boolean {
  return /^https:\/\/cyclonedx\.org\/(?:bom|schema)(?:\/|$)/.test(predicateType);
}
