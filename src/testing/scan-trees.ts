import { createHash } from "node:crypto";
import { createReadStream, lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, partOf } from "../content/bytes.ts";
import { treeOf, type FileDigests, type ScanFile, type ScanTree } from "../sbom/scan-tree.ts";

/** A tree, and the paths whose content was asked for. */
export interface WatchedTree extends ScanTree {
  readonly read: ReadonlySet<string>;
}

/** A tree of texts and bytes by path; `-> target` is a symbolic link. */
export function treeOfTexts(contents: Readonly<Record<string, string | Uint8Array>>): WatchedTree {
  const links = new Map<string, string>();
  const files: ScanFile[] = [];
  const read = new Set<string>();
  for (const [path, content] of Object.entries(contents)) {
    if (typeof content === "string" && content.startsWith("-> ")) links.set(path, content.slice("-> ".length));
    else files.push(memoryFile(path, Buffer.from(content), read));
  }
  return { ...treeOf(files, links), read };
}

function memoryFile(path: string, content: Buffer, read: Set<string>): ScanFile {
  return {
    path, sizeBytes: content.byteLength, mode: 0o644,
    read: () => {
      read.add(path);
      return bytesOf(content);
    },
    readPart: (part) => {
      read.add(path);
      return partOf(bytesOf(content), part);
    },
    digests: () => Promise.resolve(digestsOf(content)),
  };
}

/** What lies in a directory of this machine. */
export function treeOfDirectory(root: string): WatchedTree {
  const links = new Map<string, string>();
  const files: ScanFile[] = [];
  const read = new Set<string>();
  const ahead = [""];
  // Not the recursive readdir, which goes where links lead.
  for (let folder = ahead.pop(); folder !== undefined; folder = ahead.pop()) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) ahead.push(path);
      if (entry.isSymbolicLink()) links.set(path, readlinkSync(join(root, path)));
      if (entry.isFile()) files.push(diskFile(join(root, path), path, read));
    }
  }
  return { ...treeOf(files, links), read };
}

function diskFile(place: string, path: string, read: Set<string>): ScanFile {
  const { size, mode } = lstatSync(place);
  return {
    path, sizeBytes: size, mode: mode & 0o7777,
    read: () => {
      read.add(path);
      return createReadStream(place);
    },
    readPart: ({ offsetBytes, sizeBytes }) => {
      read.add(path);
      return createReadStream(place, { start: offsetBytes, end: offsetBytes + sizeBytes - 1 });
    },
    digests: () => Promise.resolve(digestsOf(readFileSync(place))),
  };
}

function digestsOf(content: Uint8Array): FileDigests {
  return { sha1: createHash("sha1").update(content).digest("hex"), sha256: createHash("sha256").update(content).digest("hex") };
}

/** The files as a document lists them. */
export async function documentFiles(tree: ScanTree, signal: AbortSignal): Promise<Array<{ readonly path: string } & FileDigests>> {
  return await Promise.all([...tree.files.values()].map(async (file) => ({ path: file.path, ...(await file.digests(signal)) })));
}
