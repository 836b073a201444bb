import type { Descriptor } from "../oci/descriptor.ts";
import type { Manifest } from "../oci/manifest.ts";
import { parseObject, textAt } from "./document.ts";
import { wrapOf, type StatementLayer, type StatementPlace, type StatementWrap } from "./statement.ts";

/** A manifest in which statements about an image may lie. */
export interface Holder {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  readonly place: StatementPlace;
}

/** Reads the bytes of the statement in a layer; undefined where the layer holds none. */
export type ReadLayer = (descriptor: Descriptor, wrap: StatementWrap) => Promise<Uint8Array | undefined>;

/** The statements in a manifest, in their order. Only what does not tell its predicate's type beside it is read. */
export async function statementLayers({ descriptor: holder, manifest, place }: Holder, read: ReadLayer): Promise<readonly StatementLayer[]> {
  const found: StatementLayer[] = [];
  for (const descriptor of manifest.layers) {
    const wrap = wrapOf(descriptor.mediaType);
    if (wrap === undefined) continue;
    const predicateType = toldType(descriptor, manifest, wrap) ?? (await readType(descriptor, wrap, read));
    if (predicateType !== undefined) found.push({ predicateType, descriptor, holder: holder.digest, place, wrap });
  }
  return found;
}

/** BuildKit tells it of the layer; Sigstore of the manifest, which has one bundle. */
function toldType(layer: Descriptor, manifest: Manifest, wrap: StatementWrap): string | undefined {
  const ofBundle = wrap === "bundle" ? manifest.annotations?.["dev.sigstore.bundle.predicateType"] : undefined;
  return layer.annotations?.["in-toto.io/predicate-type"] ?? ofBundle;
}

async function readType(descriptor: Descriptor, wrap: StatementWrap, read: ReadLayer): Promise<string | undefined> {
  const bytes = await read(descriptor, wrap);
  return bytes === undefined ? undefined : textAt(parseObject(bytes, `statement ${descriptor.digest}`), "predicateType");
}
