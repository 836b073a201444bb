import { createWriteStream } from "node:fs";
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import { randomId } from "../host/random.ts";

/** Files of an OCI layout directory (image-spec, image-layout.md) that others may read at the same time: each appears whole. */
export class LayoutWriter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async begin(): Promise<void> {
    await mkdir(join(this.#path, "blobs/sha256"), { recursive: true });
    await this.write("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  }

  /** Blobs that are there already stay, and are not read anew. */
  async blob(digest: Digest, open: () => ByteStream, signal: AbortSignal): Promise<void> {
    const target = join(this.#path, blobName(digest));
    if (await isThere(target)) return;
    const partial = `${target}.${randomId()}`;
    try {
      await pipeline(Readable.from(open()), createWriteStream(partial, { flags: "wx", mode: 0o444 }), { signal });
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#path, name);
    const partial = `${target}.${randomId()}`;
    await writeFile(partial, bytes);
    await rename(partial, target);
  }

  /** Undefined where there is no such file. */
  async read(name: string): Promise<Uint8Array | undefined> {
    const target = join(this.#path, name);
    return (await isThere(target)) ? await readFile(target) : undefined;
  }

  /** Takes away what lies among the blobs and is none of these. */
  async keepOnly(digests: ReadonlySet<Digest>): Promise<void> {
    const directory = join(this.#path, "blobs/sha256");
    const names = new Set([...digests].map((digest) => digest.slice("sha256:".length)));
    for (const name of await readdir(directory)) if (!names.has(name)) await rm(join(directory, name), { force: true });
  }
}

function blobName(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
