import { digestOf, type Digest } from "../../content/digest.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { scrubDocument } from "../../provenance/scrub-document.ts";
import { StatementFormError } from "../../provenance/scrub-statement.ts";
import type { Redaction } from "../../scrub/scrubber.ts";
import { ImageError } from "../../trace/image-error.ts";
import type { PlatformImage } from "../../trace/platform-image.ts";
import type { Holder } from "../../trace/statement-layers.ts";
import type { StatementLayer } from "../../trace/statement.ts";

/** A statement as it will be published in place of the one that is there. */
export interface CleanStatement {
  readonly layer: StatementLayer;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly redactions: readonly Redaction[];
}

/** A manifest that holds statements with secrets. */
export interface LeakyHolder {
  readonly platform: string;
  /** The manifest that it is about. */
  readonly subject: Descriptor;
  readonly holder: Holder;
  /** Those that change, by the digest of their layer. */
  readonly clean: ReadonlyMap<Digest, CleanStatement>;
}

/** Reads every statement about an image, and finds the manifests of which one holds a secret. */
export async function findRedactions(platform: string, image: PlatformImage, signal: AbortSignal): Promise<readonly LeakyHolder[]> {
  const found: LeakyHolder[] = [];
  for (const holder of await image.holders(signal)) {
    const clean = new Map<Digest, CleanStatement>();
    for (const layer of await image.statementsIn(holder, signal)) {
      const { bytes, redactions } = scrubbed(await image.statementBytes(layer, signal), layer);
      if (redactions.length > 0) clean.set(layer.descriptor.digest, { layer, bytes, digest: digestOf(bytes), redactions });
    }
    if (clean.size > 0) found.push({ platform, subject: image.descriptor, holder, clean });
  }
  return found;
}

function scrubbed(bytes: Uint8Array, { predicateType, descriptor }: StatementLayer): ReturnType<typeof scrubDocument> {
  try {
    return scrubDocument(bytes, predicateType);
  } catch (cause) {
    if (!(cause instanceof StatementFormError || cause instanceof SyntaxError)) throw cause;
    throw new ImageError("corrupt", `statement ${descriptor.digest}: ${cause.message}`, { cause });
  }
}
