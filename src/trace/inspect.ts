import { isSpdx } from "../provenance/predicate-type.ts";
import { JSON_INDENTED } from "../template/docker-functions.ts";
import { mapOf } from "../template/go-type.ts";
import { parseTemplate } from "../template/template.ts";
import { GoValue } from "../template/value.ts";
import { ImageError } from "./image-error.ts";
import type { ImageRecord } from "./image-record.ts";
import { DESCRIPTOR_TYPE, INDEX_TYPE, PROVENANCE_TYPE, SBOM_TYPE, multiInputType, singleInputType } from "./inspect-type.ts";
import { manifestText } from "./manifest-text.ts";
import type { OpenImage } from "./open-image.ts";
import type { PlatformImage } from "./platform-image.ts";
import { provenanceLayer } from "./statement.ts";

export interface InspectOptions {
  /** A Go template, as `docker buildx imagetools inspect --format` takes it. Empty prints the manifest as text. */
  readonly format: string;
  /** The root's bytes as they are. */
  readonly raw: boolean;
}

const WHOLE_MANIFEST = /^\{\{\s*\.Manifest\s*\}\}$/;

/** What `imagetools inspect` prints (anchor e.1). Throws TemplateError, and ImageError "usage" for options that exclude each other. */
export async function inspectImage(image: OpenImage, { format, raw }: InspectOptions, signal: AbortSignal): Promise<string | Uint8Array> {
  if (format !== "" && raw) throw new ImageError("usage", "format and raw cannot be used together");
  if (raw) return image.record.bytes;
  if (format === "") return manifestText(image);
  const template = parseTemplate("", format, JSON_INDENTED);
  if (isWholeManifest(template.text)) return manifestText(image);
  return template.execute(await inputOf(image, template.fields, signal));
}

/** Whether a template asks for no more than the manifest, which then is shown as text. */
export function isWholeManifest(template: string): boolean {
  return WHOLE_MANIFEST.test(template.trim());
}

async function inputOf(image: OpenImage, asked: ReadonlySet<string>, signal: AbortSignal): Promise<GoValue> {
  const platforms = await image.record.platforms(signal);
  const configs = await byPlatform(platforms, (one) => one.config(signal));
  // Templates cannot wait, so what they can ask for is fetched before; what they do not name is not.
  const provenance = asked.has("Provenance") ? await byPlatform(platforms, (one) => provenanceOf(one, signal)) : {};
  const sbom = asked.has("SBOM") ? await byPlatform(platforms, (one) => sbomOf(one, signal)) : {};
  const shared = { name: image.name, manifest: manifestValue(image.record) };
  if (platforms.size > 1) {
    const type = multiInputType({
      Provenance: () => new GoValue(mapOf(PROVENANCE_TYPE), provenance),
      SBOM: () => new GoValue(mapOf(SBOM_TYPE), sbom),
    });
    return new GoValue(type, { ...shared, image: configs });
  }
  const [config] = Object.values(configs);
  const type = singleInputType({
    Provenance: () => new GoValue(PROVENANCE_TYPE, Object.values(provenance)[0]),
    SBOM: () => new GoValue(SBOM_TYPE, Object.values(sbom)[0]),
  });
  return new GoValue(type, { ...shared, image: config });
}

function manifestValue({ root, index }: ImageRecord): GoValue {
  if (index === undefined) return new GoValue(DESCRIPTOR_TYPE, root);
  const { schemaVersion, mediaType, manifests, annotations } = index;
  return new GoValue(INDEX_TYPE, { schemaVersion, mediaType, digest: root.digest, size: root.size, manifests, annotations });
}

async function provenanceOf(image: PlatformImage, signal: AbortSignal): Promise<object | undefined> {
  const layer = provenanceLayer(await image.statements(signal));
  return layer === undefined ? undefined : { SLSA: (await image.statement(layer, signal))["predicate"] };
}

/** The first document is of the image, those after it of its stages and its context. */
async function sbomOf(image: PlatformImage, signal: AbortSignal): Promise<object | undefined> {
  const documents = (await image.readStatements(isSpdx, signal)).map(({ statement }) => statement["predicate"]);
  return documents.length === 0 ? undefined : { SPDX: documents[0], AdditionalSPDXs: documents.slice(1) };
}

async function byPlatform<T>(platforms: ReadonlyMap<string, PlatformImage>, ask: (image: PlatformImage) => Promise<T | undefined>): Promise<Record<string, T>> {
  const answers = await Promise.all([...platforms].map(async ([name, image]) => [name, await ask(image)] as const));
  return Object.fromEntries(answers.flatMap(([name, answer]) => (answer === undefined ? [] : [[name, answer]])));
}
