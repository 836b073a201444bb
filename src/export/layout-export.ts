import { access, readFile, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import type { GrowingBlob } from "../content/growing-blob.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { randomId } from "../host/random.ts";
import { replaceFile, writeNewFile } from "../host/replace-file.ts";
import { untilAborted } from "../host/until-aborted.ts";
import { SUBJECT_ANNOTATION, type ImageIndex } from "../oci/manifest.ts";
import { indexLock, type WhileLocked } from "../store/while-locked.ts";
import { layoutMembers, sortKeys, type LayoutNaming, type ReadableImage } from "./layout.ts";

/** An index.json that somebody else wrote may be long, but is held in memory whole. */
const INDEX_SIZE_BYTES_MAX = 16 * 1024 * 1024;

const BLOBS = "blobs/sha256";

const BLOB_FILE = { mode: 0o444 };

/** A blob that has been copied under a name that nobody knows. */
interface EarlyCopy {
  readonly path: string;
  /** Undefined where it came to nothing. */
  readonly digest: Digest | undefined;
}

/** An OCI layout directory on its way to hold one image more. What was begun and did not become a part of it is taken away at the end. */
export class LayoutExport implements AsyncDisposable {
  readonly #path: string;
  readonly #whileLocked: WhileLocked;
  readonly #stop = new AbortController();
  readonly #copies: Array<Promise<EarlyCopy>> = [];
  /** The uppermost directory that was made for them, if any had to be. */
  #made: Promise<string | undefined> | undefined;
  #isWritten = false;

  constructor(path: string, whileLocked: WhileLocked) {
    this.#path = path;
    this.#whileLocked = whileLocked;
  }

  /** Begins to copy a blob that is still being made. No index names it before `write`. */
  readonly early = (blob: GrowingBlob): void => {
    this.#copies.push(this.#copy(blob));
  };

  /** Images that are there already stay; one of the same name is replaced. The index comes last and in one move, so a reader never sees half an image. */
  async write(image: ReadableImage, naming: LayoutNaming, signal: AbortSignal): Promise<void> {
    await makeDirectories(this.#path);
    const copies = await untilAborted(Promise.all(this.#copies), signal);
    for await (const { entry, content } of layoutMembers(image, naming, signal)) {
      const target = join(this.#path, entry.path);
      if (entry.kind === "directory") await makeDirectories(target);
      else if (entry.path === "index.json") await this.#addTo(target, await collectBytes(content, INDEX_SIZE_BYTES_MAX), signal);
      else if (!(await exists(target))) {
        const copy = copies.find(({ digest }) => digest !== undefined && entry.path === blobPath(digest));
        if (copy === undefined) await replaceFile(target, content, BLOB_FILE, signal);
        else await rename(copy.path, target);
      }
    }
    this.#isWritten = true;
  }

  /** Others may write images of theirs at the same time. */
  async #addTo(index: string, ours: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#whileLocked(indexLock(index), async () => await replaceFile(index, bytesOf(await mergeIndex(index, ours)), {}, signal), signal);
  }

  async #copy(blob: GrowingBlob): Promise<EarlyCopy> {
    const path = join(this.#path, BLOBS, `early.${randomId()}`);
    try {
      this.#made ??= makeDirectories(dirname(path));
      await this.#made;
      await writeNewFile(path, blob.read(this.#stop.signal), BLOB_FILE, this.#stop.signal);
      return { path, digest: blob.digest };
    } catch {
      // It is written once more with the others, and fails then by what it fails by, unless it is the blob that failed.
      return { path, digest: undefined };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const { path } of await Promise.all(this.#copies)) await rm(path, { force: true });
    const made = await this.#made?.catch(() => undefined);
    if (made !== undefined && !this.#isWritten) await removeEmpty(join(this.#path, BLOBS), made);
  }
}

/** A directory and those above it, up to `top`, as far as there is nothing in them. */
async function removeEmpty(path: string, top: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw error;
  }
  if (path !== top) await removeEmpty(dirname(path), top);
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

type Entry = ImageIndex["manifests"][number];

const NAME = "io.containerd.image.name";
const TAG = "org.opencontainers.image.ref.name";

/** In a directory, others find an image without a name by the tag that is meant where none is said. */
const DEFAULT_TAG = "latest";

/** Of each name, and each tag without one, the last image stays, as where BuildKit's client writes. */
async function mergeIndex(path: string, ours: Uint8Array): Promise<Uint8Array> {
  const index = JSON.parse(Buffer.from(ours).toString("utf8")) as ImageIndex;
  const mine = index.manifests.map(tagged);
  const replaced = new Set(mine.map(keyOf));
  const { manifests } = (await exists(path)) ? (JSON.parse(await readFile(path, "utf8")) as ImageIndex) : { manifests: [] };
  return Buffer.from(JSON.stringify({ ...index, manifests: [...manifests.filter((entry) => !replaced.has(keyOf(entry))), ...mine] }));
}

/** What is about another entry needs no tag. */
function tagged(entry: Entry): Entry {
  const { annotations = {} } = entry;
  if (NAME in annotations || SUBJECT_ANNOTATION in annotations) return entry;
  return { ...entry, annotations: sortKeys({ ...annotations, [TAG]: DEFAULT_TAG }) };
}

function keyOf({ annotations = {}, digest }: Entry): string {
  const [name = "", tag = ""] = [annotations[NAME], annotations[TAG]];
  return name === "" && tag === "" ? digest : JSON.stringify([name, tag]);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
