import { hostPlatform } from "../host/host-platform.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { ANNOTATION_TYPES, parseAnnotationText } from "./annotation-text.ts";
import { ExportError } from "./error.ts";
import type { Annotation, AnnotationPlace, ImageForm } from "./target.ts";

/** `[type[platform],…:]key=value`, type `manifest` by default (anchor A3). Throws ExportError "usage", in buildx's words. */
export function parseAnnotation(text: string): Annotation[] {
  const { types, key, value } = parseAnnotationText(text, hostPlatform(), (message) => new ExportError("usage", `parse annotations: ${message}`));
  if (types.length === 0) return [{ place: "manifest", platform: undefined, key, value }];
  return types.map(({ type, platform }) => ({ place: type, platform, key, value }));
}

/** The exporter's own form: `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/amd64].KEY`. */
export function parseAnnotationKey(name: string, value: string): Annotation {
  const [, place, platform, key] = /^annotation(?:-([a-z-]+))?(?:\[([^\]]*)\])?\.(.+)$/.exec(name) ?? [];
  const known = place === undefined ? "manifest" : ANNOTATION_TYPES.find((each) => each === place);
  if (key === undefined || known === undefined) throw new ExportError("usage", `invalid annotation key ${JSON.stringify(name)}`);
  return { place: known, platform, key, value };
}

/** The `annotations` member for one place, or no member at all; keys sorted, as Go writes maps. An index is of all its platforms. */
export function annotationsAt(annotations: readonly Annotation[], place: AnnotationPlace, platform: Platform | undefined): { annotations?: Record<string, string> } {
  const chosen = annotations.filter((annotation) =>
    annotation.place === place && (annotation.platform === undefined || platform === undefined || annotation.platform === formatPlatform(platform)));
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
