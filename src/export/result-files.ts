import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { bytesOf } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import { Tree } from "../snapshot/tree.ts";
import type { Statement } from "./statement.ts";

/** A file of a result, as the subject of a statement about it. */
export interface ResultFile {
  readonly path: string;
  readonly digest: Digest;
}

/** One platform's result as files. */
export interface PlatformFiles {
  readonly platform: Platform;
  readonly chain: LayerChain;
  readonly attest: (files: readonly ResultFile[]) => readonly Statement[];
}

export interface FilesOptions {
  /** Undefined: a folder for each platform where there are several. */
  readonly platformSplit: boolean | undefined;
  readonly attestationPrefix: string;
  /** SOURCE_DATE_EPOCH: no time is later than this. */
  readonly epochNs: bigint | undefined;
  /** The time of what this export makes itself: folders of platforms, statements. */
  readonly nowNs: bigint;
}

/** The files of a build's result, statements among them, in the order of a tar (anchor b.8, c). */
export async function* resultMembers(results: readonly PlatformFiles[], options: FilesOptions, signal: AbortSignal): AsyncIterable<Member> {
  const split = options.platformSplit ?? results.length > 1;
  const madeNs = options.epochNs ?? options.nowNs;
  for (const result of results) {
    const folder = formatPlatform(result.platform).replaceAll("/", "_");
    if (split) yield { entry: madeEntry(folder, "directory", { sizeBytes: 0, mtimeNs: madeNs }), content: bytesOf() };
    const tree = await Tree.open(result.chain, signal);
    const statements = result.attest(await regularFiles(tree, signal));
    for await (const { entry, content } of treeMembers(tree, signal)) yield { entry: placed(entry, split ? folder : "", options.epochNs), content };
    for (const { filename, bytes } of statements) {
      const name = options.attestationPrefix + (split || results.length === 1 ? filename : withPlatform(filename, folder));
      const entry = madeEntry(name, "file", { sizeBytes: bytes.byteLength, mtimeNs: madeNs });
      yield { entry: placed(entry, split ? folder : "", undefined), content: bytesOf(bytes) };
    }
  }
}

/** Every file but the root directory itself; a second name of a file is a hard link to the first. */
async function* treeMembers(tree: Tree, signal: AbortSignal): AsyncIterable<Member> {
  const firstNames = new Map<object, string>();
  for (const node of tree.walk("")) {
    signal.throwIfAborted();
    const { path } = node.entry;
    if (path === "") continue;
    const identity = tree.identity(path);
    const first = identity === undefined ? undefined : firstNames.get(identity);
    if (identity !== undefined && node.entry.kind === "file") firstNames.set(identity, first ?? path);
    if (first !== undefined && node.entry.kind === "file") yield { entry: { ...node.entry, kind: "hardlink", linkname: first, sizeBytes: 0 }, content: bytesOf() };
    else yield { entry: node.entry, content: node.entry.kind === "file" ? node.layer.read(node.stored, signal) : bytesOf() };
  }
}

async function regularFiles(tree: Tree, signal: AbortSignal): Promise<ResultFile[]> {
  const files: ResultFile[] = [];
  for (const node of tree.walk("")) if (node.entry.kind === "file") files.push(await resultFile(node, signal));
  return files;
}

async function resultFile({ entry, layer, stored }: TreeNode, signal: AbortSignal): Promise<ResultFile> {
  return { path: entry.path, digest: await layer.contentDigest(stored, signal) };
}

function placed(entry: Entry, folder: string, epochNs: bigint | undefined): Entry {
  const inFolder = (path: string): string => (folder === "" ? path : `${folder}/${path}`);
  return {
    ...entry,
    path: inFolder(entry.path),
    ...(entry.kind === "hardlink" && entry.linkname !== undefined ? { linkname: inFolder(entry.linkname) } : {}),
    mtimeNs: epochNs !== undefined && entry.mtimeNs > epochNs ? epochNs : entry.mtimeNs,
  };
}

function madeEntry(path: string, kind: "file" | "directory", { sizeBytes, mtimeNs }: { sizeBytes: number; mtimeNs: bigint }): Entry {
  return { path, kind, mode: kind === "file" ? 0o600 : 0o755, uid: 0, gid: 0, mtimeNs, sizeBytes };
}

/** `provenance.json` becomes `provenance.linux_amd64.json`. */
function withPlatform(filename: string, platform: string): string {
  const dot = filename.lastIndexOf(".");
  return dot <= 0 ? `${filename}.${platform}` : `${filename.slice(0, dot)}.${platform}${filename.slice(dot)}`;
}
