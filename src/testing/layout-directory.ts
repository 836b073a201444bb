import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";

/** An OCI layout in a directory of its own, to which a test adds what an image needs. Disposal removes it. */
export class LayoutDirectory implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "stemma-layout-"));
  readonly #manifests: object[] = [];

  constructor() {
    mkdirSync(join(this.path, "blobs/sha256"), { recursive: true });
    writeFileSync(join(this.path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    this.#writeIndex();
  }

  /** Bytes as they are, or a value as JSON. */
  add(mediaType: string, content: Uint8Array | object): Descriptor {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const digest: Digest = digestOf(bytes);
    writeFileSync(this.blobPath(digest), bytes);
    return { mediaType, digest, size: bytes.byteLength };
  }

  /** Names a manifest or an index in the layout's own index. */
  tag(descriptor: Descriptor, tag: string): void {
    this.#manifests.push({ ...descriptor, annotations: { ...descriptor.annotations, "org.opencontainers.image.ref.name": tag } });
    this.#writeIndex();
  }

  blobPath(digest: Digest): string {
    return join(this.path, "blobs", digest.replace(":", "/"));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #writeIndex(): void {
    writeFileSync(join(this.path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: this.#manifests }));
  }
}
