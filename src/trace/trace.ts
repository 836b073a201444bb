import { ArchiveError } from "../archive/archive-error.ts";
import { cleanPath } from "../archive/entry-path.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import type { Manifest } from "../oci/manifest.ts";
import { parseBuildRecord, type BuildRecord, type RecordedStep } from "./build-record.ts";
import { isObject, listAt, objectAt, textAt, type JsonObject } from "./document.ts";
import { choosePlatform } from "./choose-platform.ts";
import { findPath, type PathFinding } from "./find-path.ts";
import { ImageError } from "./image-error.ts";
import type { PlatformImage } from "./platform-image.ts";
import { layerOrigins, type LayerOrigin } from "./layer-origin.ts";
import { readLayerTable, type LayerTable } from "./layer-table.ts";
import type { OpenImage } from "./open-image.ts";
import { LINE_MAP } from "../provenance/line-map.ts";
import { withLineMap } from "./line-map.ts";
import { isAbout, provenanceLayer, type StatementLayer } from "./statement.ts";
import type { TraceAnswer, TracedLayer, TracedOrigin, TracedRecord, TraceQuestion } from "./trace-answer.ts";
import { tracedStep } from "./traced-step.ts";

/** Digits of a digest that are enough to ask for a layer by. */
const DIGEST_DIGITS_MIN = 6;

/** An image's parts, and its record, as far as there is one. */
interface Material {
  readonly image: PlatformImage;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly record: BuildRecord | undefined;
  readonly source: TracedRecord | undefined;
  readonly missing: readonly string[];
}

/**
 * Walks from a file, a layer or a line of an image back to the layer, the build step, the lines and the revision, by
 * what is recorded of the image alone. `platform` may be left out where the image has only one.
 * Throws ImageError: "usage" for a question that fits no image, "not-found" for a layer or platform that is not there.
 */
export async function traceImage(open: OpenImage, question: TraceQuestion, platform: string | undefined, signal: AbortSignal): Promise<TraceAnswer> {
  const { name, image } = await choosePlatform(open, platform, signal);
  const [manifest, config, read] = await Promise.all([image.manifest(signal), image.config(signal), readRecord(image, signal)]);
  const material: Material = { image, manifest, config, ...read };
  const layers = describeLayers(material);
  return {
    image: { name: open.fullName, digest: image.descriptor.digest, platform: name },
    question,
    ...(await answer(question, layers, material, signal)),
    revision: read.record?.revision,
    record: read.source,
    missing: read.missing,
  };
}

type Answer = Pick<TraceAnswer, "path" | "layers" | "steps">;

async function answer(question: TraceQuestion, layers: readonly TracedLayer[], material: Material, signal: AbortSignal): Promise<Answer> {
  switch (question.kind) {
    case "layers":
      return { path: undefined, layers, steps: [] };
    case "layer":
      return { path: undefined, layers: [chooseLayer(question.digest, layers)], steps: [] };
    case "line":
      return answerLine(question, layers, material.record);
    case "path": {
      const path = await locate(question.path, material, signal);
      return { path, layers: path.kind === "absent" ? [] : layers.slice(path.layer, path.layer + 1), steps: [] };
    }
  }
}

async function readRecord(image: PlatformImage, signal: AbortSignal): Promise<Pick<Material, "record" | "source" | "missing">> {
  const layer = provenanceLayer(await image.statements(signal));
  const none = { record: undefined, source: undefined };
  if (layer === undefined) return { ...none, missing: ["the image has no provenance, neither in its index nor among what refers to it"] };
  const statement = await image.statement(layer, signal);
  const { digest } = image.descriptor;
  if (!isAbout(statement, digest)) return { ...none, missing: [`the provenance ${layer.descriptor.digest} is about another image: its subjects do not include ${digest}`] };
  const told = parseBuildRecord(layer.predicateType, objectAt(statement, "predicate"));
  const record = told.steps.length > 0 ? told : withLineMap(told, await readLineMap(image, layer, signal));
  return { record, source: { predicateType: layer.predicateType, digest: layer.descriptor.digest }, missing: record.missing };
}

/** The map beside a record, about the same image; empty where there is none. */
async function readLineMap(image: PlatformImage, { holder }: StatementLayer, signal: AbortSignal): Promise<JsonObject> {
  const maps = (await image.statements(signal)).filter(({ predicateType }) => predicateType === LINE_MAP);
  const layer = maps.find((map) => map.holder === holder) ?? maps[0];
  if (layer === undefined) return {};
  const statement = await image.statement(layer, signal);
  return isAbout(statement, image.descriptor.digest) ? objectAt(statement, "predicate") : {};
}

function describeLayers({ manifest, config: document, record }: Material): readonly TracedLayer[] {
  const { layers } = manifest;
  const config = objectOf(document);
  const unknown: LayerOrigin = { kind: "unknown", missing: "there is no record" };
  const origins = record === undefined ? layers.map(() => unknown) : layerOrigins(layers.map(({ digest }) => digest), record);
  const created = listAt(config, "history").filter((entry) => isObject(entry) && entry["empty_layer"] !== true);
  const diffIds = listAt(objectAt(config, "rootfs"), "diff_ids");
  return layers.map((descriptor, index) => ({
    number: index + 1,
    count: layers.length,
    descriptor,
    diffId: textOf(diffIds[index]),
    // Entries and layers pair up in order; where their numbers differ, nobody can say which belongs to which.
    createdBy: created.length === layers.length ? textAt(objectOf(created[index]), "created_by") : undefined,
    origin: describeOrigin(origins[index] ?? unknown, record),
  }));
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function describeOrigin(origin: LayerOrigin, record: BuildRecord | undefined): TracedOrigin {
  if (origin.kind === "unknown" || record === undefined) return { kind: "unknown", missing: origin.kind === "unknown" ? origin.missing : "there is no record" };
  const { step, match } = origin;
  const traced = tracedStep(step, record);
  if (origin.kind === "step") return { kind: "step", step: traced, match };
  const reference = (step.identifier ?? "").replace(/^[a-z-]+:\/\//, "");
  return { kind: "base", base: { reference, purl: purlOf(reference, record) }, step: traced, match };
}

/** The dependency with the digest that the step names. */
function purlOf(reference: string, { dependencies }: BuildRecord): string | undefined {
  const sha256 = /@sha256:([0-9a-f]{64})/.exec(reference)?.[1];
  return sha256 === undefined ? undefined : dependencies.find(({ digest }) => digest["sha256"] === sha256)?.uri;
}

async function locate(path: string, { image, manifest }: Material, signal: AbortSignal): Promise<PathFinding> {
  const tables = new Map<number, Promise<LayerTable>>();
  const table = (index: number): Promise<LayerTable> => {
    const descriptor = manifest.layers[index];
    if (descriptor === undefined) throw new RangeError(`no layer ${index}`);
    const reading = tables.get(index) ?? readLayerTable(image.layer(descriptor, signal));
    tables.set(index, reading);
    return reading;
  };
  return await findPath(inside(path), manifest.layers.length, table);
}

function inside(path: string): string {
  try {
    return cleanPath(path);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new ImageError("usage", `--path ${JSON.stringify(path)}: leads out of the image`, { cause: error });
  }
}

function chooseLayer(text: string, layers: readonly TracedLayer[]): TracedLayer {
  const digits = text.replace(/^sha256:/, "").toLowerCase();
  if (!/^[0-9a-f]+$/.test(digits) || digits.length < DIGEST_DIGITS_MIN) {
    throw new ImageError("usage", `--layer ${JSON.stringify(text)}: not a digest, nor the first ${DIGEST_DIGITS_MIN} or more digits of one`);
  }
  const isMeant = (digest: string | undefined): boolean => digest?.startsWith(`sha256:${digits}`) === true;
  const meant = layers.filter(({ descriptor, diffId }) => isMeant(descriptor.digest) || isMeant(diffId));
  const [only, ...others] = new Map(meant.map((layer) => [layer.descriptor.digest, layer])).values();
  if (only === undefined) throw new ImageError("not-found", `the image has no layer ${text}; it has ${layers.map(({ descriptor }) => descriptor.digest).join(", ")}`);
  if (others.length > 0) throw new ImageError("usage", `--layer ${text}: the first digits of several layers`);
  return only;
}

function answerLine({ line, file }: TraceQuestion & { readonly kind: "line" }, layers: readonly TracedLayer[], record: BuildRecord | undefined): Answer {
  if (record === undefined || record.files.length === 0) return { path: undefined, layers: [], steps: [] };
  const index = file === undefined ? 0 : record.files.findIndex(({ name }) => name === file);
  const names = record.files.map(({ name }) => name).join(", ");
  if (index < 0) throw new ImageError("not-found", `the record has no file ${file}; it has ${names}`);
  const lineCount = record.files[index]?.lines?.length;
  if (lineCount !== undefined && line > lineCount) throw new ImageError("usage", `--line ${line}: ${record.files[index]?.name} has ${lineCount} lines`);
  const isMeant = (step: RecordedStep): boolean => step.lines.some((range) => range.file === index && range.start <= line && line <= range.end);
  const steps = record.steps.filter(isMeant);
  const ids = new Set(steps.map(({ id }) => id));
  const made = layers.filter(({ origin }) => origin.kind !== "unknown" && ids.has(origin.step.id));
  return { path: undefined, layers: made, steps: steps.map((step) => tracedStep(step, record)) };
}
