import { access, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { replaceFile } from "../host/replace-file.ts";

/** Files of an OCI layout directory (image-spec, image-layout.md) that others may read at the same time: each appears whole. */
export class LayoutWriter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async begin(signal: AbortSignal): Promise<void> {
    await makeDirectories(join(this.#path, "blobs/sha256"));
    await this.write("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'), signal);
  }

  /** Blobs that are there already stay, and are not read anew. Chunks may be lent. */
  async blob(digest: Digest, open: () => ByteStream, signal: AbortSignal): Promise<void> {
    const target = join(this.#path, blobName(digest));
    if (!(await isThere(target))) await replaceFile(target, open(), { mode: 0o444 }, signal);
  }

  async write(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await replaceFile(join(this.#path, name), bytesOf(bytes), {}, signal);
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
