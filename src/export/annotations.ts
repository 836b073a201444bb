import type { Platform } from "../oci/platform.ts";
import { formatPlatform } from "../oci/platform.ts";
import { ExportError } from "./error.ts";
import type { Annotation, AnnotationPlace, ImageForm } from "./target.ts";

const PLACES: readonly AnnotationPlace[] = ["manifest", "manifest-descriptor", "index", "index-descriptor"];

/** `[type[platform],…:]key=value`, type `manifest` by default (anchor A3). */
export function parseAnnotation(text: string): Annotation[] {
  const match = /^(?:(?<places>[a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):)?(?<key>[^=]+)=(?<value>.*)$/s.exec(text);
  const { places, key, value } = match?.groups ?? {};
  if (key === undefined || value === undefined) throw new ExportError("usage", `invalid annotation ${JSON.stringify(text)}: expected [type:]key=value`);
  const parsed = (places ?? "manifest").split(",").map(parsePlace);
  // A key may hold a colon itself (`example.com:x=1`): it is no type then.
  if (places !== undefined && parsed.includes(undefined)) {
    if (places.includes("[")) throw new ExportError("usage", `invalid annotation ${JSON.stringify(text)}: unknown type in ${JSON.stringify(places)}, use ${PLACES.join(", ")}`);
    return [{ place: "manifest", platform: undefined, key: `${places}:${key}`, value }];
  }
  return parsed.flatMap((place) => (place === undefined ? [] : [{ ...place, key, value }]));
}

/** The exporter's own form: `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/amd64].KEY`. */
export function parseAnnotationKey(name: string, value: string): Annotation {
  const [, place, platform, key] = /^annotation(?:-([a-z-]+))?(?:\[([^\]]*)\])?\.(.+)$/.exec(name) ?? [];
  const known = place === undefined ? "manifest" : PLACES.find((each) => each === place);
  if (key === undefined || known === undefined) throw new ExportError("usage", `invalid annotation key ${JSON.stringify(name)}`);
  return { place: known, platform, key, value };
}

function parsePlace(text: string): Pick<Annotation, "place" | "platform"> | undefined {
  const [, name, platform] = /^([a-z-]+)(?:\[(.*)\])?$/.exec(text) ?? [];
  const place = PLACES.find((known) => known === name);
  return place && { place, platform };
}

/** The `annotations` member for one place, or no member at all; keys sorted, as Go writes maps. */
export function annotationsAt(annotations: readonly Annotation[], place: AnnotationPlace, platform: Platform | undefined): { annotations?: Record<string, string> } {
  const chosen = annotations.filter((annotation) =>
    annotation.place === place && (annotation.platform === undefined || (platform !== undefined && annotation.platform === formatPlatform(platform))));
  if (chosen.length === 0) return {};
  const sorted = chosen.map(({ key, value }) => [key, value] as const).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { annotations: Object.fromEntries(sorted) };
}

/** A platform that is not built, or a form that has no annotations: silence would lose them. */
export function refuseLostAnnotations(annotations: readonly Annotation[], platforms: readonly Platform[], mediaTypes: ImageForm["mediaTypes"]): void {
  const built = new Set(platforms.map(formatPlatform));
  const stray = annotations.find(({ platform }) => platform !== undefined && !built.has(platform));
  if (stray !== undefined) throw new ExportError("usage", `invalid annotation: no platform ${stray.platform} found in source: ${stray.key} can stand on ${[...built].join(", ")}`);
  if (mediaTypes === "docker" && annotations.some(({ place }) => place !== "manifest")) {
    throw new ExportError("usage", 'cannot export annotations with "oci-mediatypes=false": Docker\'s manifest lists have none');
  }
}

/** There is no index to put them on, and silence would lose them. */
export function refuseIndexAnnotations(annotations: readonly Annotation[]): void {
  const lost = annotations.find(({ place }) => place === "index" || place === "index-descriptor");
  if (lost !== undefined) {
    throw new ExportError("usage", `index annotations not supported for single platform export: ${lost.key} has no index to stand on; add a provenance (--provenance) or build several platforms`);
  }
}
