import type { BuildRecord, Dependency, LineRange, RecordedStep } from "./build-record.ts";
import { isObject, listAt, objectAt, textAt, type JsonObject } from "./document.ts";

/** A layer as the map tells it; what it lacks is left out. */
interface MappedLayer {
  readonly digest: string;
  readonly step: string;
  readonly image: string | undefined;
  readonly lines: readonly LineRange[];
}

/**
 * A record without steps (`mode=min`) together with the map from layers to lines that lies beside it: steps that have
 * lines and layers, and no text. Never throws: whoever wrote the map may have put in anything.
 */
export function withLineMap(record: BuildRecord, predicate: JsonObject): BuildRecord {
  const layers = listAt(predicate, "layers").flatMap(layerOf);
  if (layers.length === 0 || record.steps.length > 0) return record;
  const digests = layers.map(({ digest }) => digest);
  const chains = new Map<string, Array<readonly string[]>>();
  for (const [i, { step }] of layers.entries()) chains.set(step, [...(chains.get(step) ?? []), digests.slice(0, i + 1)]);
  const steps = [...new Map(layers.map((layer) => [layer.step, stepOf(layer, record.dependencies)])).values()];
  const files = listAt(predicate, "files").map((_, i) => ({ name: i === 0 ? (record.dockerfile ?? "Dockerfile") : `file ${i + 1}`, lines: undefined }));
  return { ...record, steps, files, chains, missing: record.revision === undefined ? record.missing.slice(-1) : [] };
}

function stepOf({ step, image, lines }: MappedLayer, dependencies: readonly Dependency[]): RecordedStep {
  const identifier = image === undefined ? undefined : `docker-image://${referenceOf(image, dependencies)}`;
  return { id: step, kind: image === undefined ? "unknown" : "source", summary: identifier ?? step, identifier, inputs: [], lines };
}

/** The image's name, where a dependency has its digest: `busybox:latest@sha256:…`. */
function referenceOf(sha256: string, dependencies: readonly Dependency[]): string {
  const uri = dependencies.find(({ digest }) => digest["sha256"] === sha256)?.uri;
  const [, name = ""] = /^pkg:(?:docker|oci)\/([^?]*)/.exec(uri ?? "") ?? [];
  return `${decoded(name).replace(/@(?=[^@]*$)/, ":")}@sha256:${sha256}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch (error) {
    if (error instanceof URIError) return name;
    throw error;
  }
}

function layerOf(value: unknown): MappedLayer[] {
  if (!isObject(value)) return [];
  const digest = textAt(objectAt(value, "digest"), "sha256");
  const step = textAt(value, "step");
  if (digest === undefined || step === undefined) return [];
  return [{ digest: `sha256:${digest}`, step, image: textAt(objectAt(value, "image"), "sha256"), lines: listAt(value, "lines").flatMap(rangeOf) }];
}

function rangeOf(value: unknown): LineRange[] {
  if (!isObject(value)) return [];
  const { file, start, end } = value;
  return typeof file === "number" && typeof start === "number" && typeof end === "number" ? [{ file, start, end }] : [];
}
