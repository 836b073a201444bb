import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { replaceFile } from "../host/replace-file.ts";
import type { ImageIndex } from "../oci/manifest.ts";
import { layoutMembers, type LayoutNaming, type ReadableImage } from "./layout.ts";

/** An index.json that somebody else wrote may be long, but is held in memory whole. */
const INDEX_SIZE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Writes an image into an OCI layout directory. Images that are there already stay; one of the
 * same name is replaced. The index comes last and in one move, so a reader never sees half an image.
 */
export async function writeLayoutDirectory(path: string, image: ReadableImage, naming: LayoutNaming, signal: AbortSignal): Promise<void> {
  await makeDirectories(path);
  for await (const { entry, content } of layoutMembers(image, naming, signal)) {
    const target = join(path, entry.path);
    if (entry.kind === "directory") await makeDirectories(target);
    else if (entry.path === "index.json") await replaceFile(target, bytesOf(await mergeIndex(target, await collectBytes(content, INDEX_SIZE_BYTES_MAX))), {}, signal);
    else if (!(await exists(target))) await replaceFile(target, content, { mode: 0o444 }, signal);
  }
}

async function mergeIndex(path: string, ours: Uint8Array): Promise<Uint8Array> {
  if (!(await exists(path))) return ours;
  const old = JSON.parse(await readFile(path, "utf8")) as ImageIndex;
  const mine = JSON.parse(Buffer.from(ours).toString("utf8")) as ImageIndex;
  const nameOf = (entry: ImageIndex["manifests"][number]): string => entry.annotations?.["io.containerd.image.name"] ?? entry.digest;
  const replaced = new Set(mine.manifests.map(nameOf));
  return Buffer.from(JSON.stringify({ ...mine, manifests: [...old.manifests.filter((entry) => !replaced.has(nameOf(entry))), ...mine.manifests] }));
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
