import type { Descriptor } from "./descriptor.ts";

/** What a descriptor says of an estargz blob (stargz-snapshotter, docs/estargz.md): the digest of its table, and how much it holds. Who reads it in parts finds the table checked by them. */
export const TOC_DIGEST_ANNOTATION = "containerd.io/snapshot/stargz/toc.digest";
export const ESTARGZ_SIZE_ANNOTATION = "io.containers.estargz.uncompressed-size";

/** Those of a descriptor, which go wherever the blob goes. */
export function estargzAnnotations({ annotations }: Pick<Descriptor, "annotations">): Pick<Descriptor, "annotations"> {
  const said = [TOC_DIGEST_ANNOTATION, ESTARGZ_SIZE_ANNOTATION].flatMap((name) => {
    const value: unknown = annotations?.[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return said.length === 0 ? {} : { annotations: Object.fromEntries(said) };
}
