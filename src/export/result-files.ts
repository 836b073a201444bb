import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { compareNames } from "../archive/path-bytes.ts";
import { bytesOf } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import { Tree } from "../snapshot/tree.ts";
import { ExportError } from "./error.ts";
import { refuseSpecial } from "./local-directory.ts";
import type { Statement } from "./statement.ts";

const NS_PER_S = 1_000_000_000n;

/** A file of a result, as the subject of a statement about it. */
export interface ResultFile {
  readonly path: string;
  readonly digest: Digest;
}

/** One platform's result as files. */
export interface PlatformFiles {
  readonly platform: Platform;
  readonly chain: LayerChain;
  readonly attest: (files: readonly ResultFile[]) => Promise<readonly Statement[]>;
}

export interface FilesOptions {
  /** Whether it is a result of several platforms, be it of one: BUILDKIT_MULTI_PLATFORM makes it that. */
  readonly multiPlatform: boolean;
  /** Undefined: a folder for each platform where there are several. An archive has them then in any case, and for one never. */
  readonly platformSplit: boolean | undefined;
  readonly attestationPrefix: string;
  /** SOURCE_DATE_EPOCH: the time of everything. */
  readonly epochNs: bigint | undefined;
  /** The time of statements where there is no such epoch. */
  readonly nowNs: bigint;
}

/**
 * The files of a build's result, statements among them in the order of their names (anchor b.8, c).
 * Without a folder for each platform, no two platforms may have a file of one name. Throws ExportError ("usage") then.
 */
export function resultMembers(results: readonly PlatformFiles[], options: FilesOptions, signal: AbortSignal): AsyncIterable<Member> {
  return placedMembers(results, { ...options, isSplit: options.platformSplit ?? options.multiPlatform }, signal);
}

async function* placedMembers(results: readonly PlatformFiles[], options: FilesOptions & { readonly isSplit: boolean }, signal: AbortSignal): AsyncIterable<Member> {
  const { isSplit } = options;
  const owners = new Map<string, string>();
  for (const result of isSplit ? results.toSorted((a, b) => compareNames(folderOf(a), folderOf(b))) : results) {
    const platform = formatPlatform(result.platform);
    const folder = isSplit ? folderOf(result) : "";
    if (isSplit) yield { entry: madeEntry(folder, "directory", { sizeBytes: 0, mtimeNs: options.epochNs ?? 0n }), content: bytesOf() };
    const tree = await Tree.open(result.chain, signal);
    const statements = statementMembers(await result.attest(await regularFiles(tree, signal)), { ...options, suffix: options.multiPlatform && options.platformSplit === false ? platform : "" });
    for await (const { entry, content } of withStatements(treeMembers(tree, signal), statements)) {
      const other = entry.kind === "directory" || isSplit ? undefined : owners.get(entry.path);
      if (other !== undefined) throw new ExportError("usage", `cannot overwrite ${entry.path} from ${other} with ${platform} when split option is disabled`);
      owners.set(entry.path, platform);
      yield { entry: placed(entry, folder, options.epochNs), content };
    }
  }
}

function folderOf({ platform }: Pick<PlatformFiles, "platform">): string {
  return formatPlatform(platform).replaceAll("/", "_");
}

/** The same for a directory. What one cannot hold is refused before there is a first member: half a result helps nobody. */
export async function* directoryMembers(results: readonly PlatformFiles[], options: FilesOptions, signal: AbortSignal): AsyncIterable<Member> {
  for (const { chain } of results) {
    for (const { entry } of (await Tree.open(chain, signal)).walk("")) refuseSpecial(entry);
  }
  yield* resultMembers(results, options, signal);
}

/** The same for an archive. */
export function archiveMembers(results: readonly PlatformFiles[], options: FilesOptions, signal: AbortSignal): AsyncIterable<Member> {
  return withArchiveTimes(placedMembers(results, { ...options, isSplit: options.multiPlatform }, signal));
}

/** BuildKit's archives, like most that Go's archive/tar writes, know whole seconds only, and the nearest one. */
export async function* withArchiveTimes(members: AsyncIterable<Member>): AsyncIterable<Member> {
  for await (const { entry, content } of members) yield { entry: { ...entry, mtimeNs: nearestSecond(entry.mtimeNs) }, content };
}

/** In the order of a walk: a directory's content stands before what follows the directory. */
async function* withStatements(files: AsyncIterable<Member>, statements: readonly Member[]): AsyncIterable<Member> {
  let next = 0;
  for await (const member of files) {
    for (let statement = statements[next]; statement !== undefined && walkOrder(statement, member) <= 0; statement = statements[next]) {
      yield statement;
      next += 1;
    }
    // A statement takes the place of a file of its name.
    if (statements[next - 1]?.entry.path !== member.entry.path) yield member;
  }
  yield* statements.slice(next);
}

function statementMembers(statements: readonly Statement[], { attestationPrefix, epochNs, nowNs, suffix }: FilesOptions & { readonly suffix: string }): Member[] {
  const members = statements.map(({ filename, bytes }): Member => {
    const name = attestationPrefix + (suffix === "" ? filename : withPlatform(filename, suffix.replaceAll("/", "_")));
    return { entry: madeEntry(name, "file", { sizeBytes: bytes.byteLength, mtimeNs: epochNs ?? nowNs }), content: bytesOf(bytes) };
  });
  return members.toSorted(walkOrder);
}

function walkOrder(a: Member, b: Member): number {
  return compareNames(a.entry.path.replaceAll("/", "\0"), b.entry.path.replaceAll("/", "\0"));
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
    mtimeNs: epochNs ?? entry.mtimeNs,
  };
}

/** Halves go up. */
function nearestSecond(ns: bigint): bigint {
  const shifted = ns + 500_000_000n;
  return shifted - (((shifted % NS_PER_S) + NS_PER_S) % NS_PER_S);
}

function madeEntry(path: string, kind: "file" | "directory", { sizeBytes, mtimeNs }: { sizeBytes: number; mtimeNs: bigint }): Entry {
  return { path, kind, mode: kind === "file" ? 0o600 : 0o755, uid: 0, gid: 0, mtimeNs, sizeBytes };
}

/** `provenance.json` becomes `provenance.linux_amd64.json`. */
function withPlatform(filename: string, platform: string): string {
  const dot = filename.lastIndexOf(".");
  return dot <= 0 ? `${filename}.${platform}` : `${filename.slice(0, dot)}.${platform}${filename.slice(dot)}`;
}
