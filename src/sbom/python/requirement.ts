import { markerHolds, type MarkerEnvironment } from "./marker.ts";

/** What a package or a project asks for (PEP 508), as far as it is needed here. */
export interface Requirement {
  /** Normalised. */
  readonly name: string;
  readonly extras: readonly string[];
  /** What follows the name: `==1.0`, `(>=1,<2)`, `@ https://…`. */
  readonly specifier: string;
  readonly marker: string | undefined;
}

const REQUIREMENT = /^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*([^;]*)(?:;(.*))?$/s;

/** Undefined for what is none. */
export function parseRequirement(text: string): Requirement | undefined {
  const [, name, extras = "", specifier = "", marker] = REQUIREMENT.exec(text) ?? [];
  if (name === undefined) return undefined;
  const names = extras.split(",").map((extra) => extra.trim()).filter((extra) => extra !== "");
  return { name: normalizedName(name), extras: names.map(normalizedName), specifier: specifier.trim(), marker: marker?.trim() };
}

/** A name as it is compared (PEP 503), which is also a name that package-url takes. */
export function normalizedName(name: string): string {
  return name.replaceAll(/[-_.]+/g, "-").toLowerCase();
}

/** A name that a distribution can have (PEP 508). */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(text);
}

/** False where it is certain that a marker keeps the requirement away. */
export function mayApply(marker: string | undefined, environment: MarkerEnvironment): boolean {
  return marker === undefined || markerHolds(marker, environment) !== false;
}
