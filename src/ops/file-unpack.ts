import type { Entry } from "../archive/entry.ts";
import { baseName, parentPath } from "../archive/entry-path.ts";
import { ArchiveError } from "../archive/archive-error.ts";
import type { Member } from "../archive/member.ts";
import { readTar, type TarMember } from "../archive/tar-reader.ts";
import { unpackedTime, xattrsAfterLink } from "../archive/unpacked.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Attributes, TreeDraft } from "../snapshot/tree-draft.ts";
import type { TreeNode } from "../snapshot/tree-node.ts";
import { decompressFile } from "./file-decompress.ts";
import type { Owner } from "./file-owner.ts";
import { below, makeDirectories } from "./file-target.ts";
import { OperationError } from "./operation-error.ts";

export interface UnpackServices {
  /** Holds the archive's contents until the layer that they go into is written. */
  readonly store: LayerStore;
  /** Undefined: as the archive says. */
  readonly owner: Owner | undefined;
}

export interface OpenArchive {
  /** Lays the archive over a directory of the draft, to be called once. */
  unpackInto(draft: TreeDraft, directory: string, services: UnpackServices, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Undefined when the file is no tar archive, compressed or not: it is then copied as any other file. */
export async function openArchive(node: TreeNode, signal: AbortSignal): Promise<OpenArchive | undefined> {
  if (node.entry.kind !== "file") return undefined;
  const members = readTar(decompressFile(() => node.layer.read(node.stored, signal), signal), "files")[Symbol.asyncIterator]();
  const first = await firstMember(members);
  if (first === undefined) return undefined;
  return {
    unpackInto: async (draft, directory, services, unpackSignal) => await unpack(startingWith(first, members), { draft, directory, ...services }, unpackSignal),
    close: async () => void (await members.return?.()),
  };
}

async function firstMember(members: AsyncIterator<TarMember>): Promise<TarMember | undefined> {
  try {
    const { done, value } = await members.next();
    return done === true ? undefined : value;
  } catch (error) {
    if (error instanceof ArchiveError && (error.code === "corrupt" || error.code === "truncated")) return undefined;
    throw error;
  }
}

async function* startingWith(first: TarMember, rest: AsyncIterator<TarMember>): AsyncIterable<TarMember> {
  yield first;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function unpack(members: AsyncIterable<TarMember>, target: UnpackServices & { readonly draft: TreeDraft; readonly directory: string }, signal: AbortSignal): Promise<void> {
  const entries: Entry[] = [];
  // An archive's order is not a layer's, and a later member may replace an earlier: so contents first, by number.
  const contents = await target.store.write(numberedContents(members, entries), signal);
  const stored = new Map((await contents.entries(signal)).map((entry) => [entry.path, entry]));
  const unpacking = new Unpacking(target.draft, target.directory, target.owner);
  for (const [number, entry] of entries.entries()) {
    const content = stored.get(contentName(number));
    unpacking.add(entry, content === undefined ? undefined : { layer: contents, stored: content });
  }
  unpacking.finish();
}

async function* numberedContents(members: AsyncIterable<TarMember>, entries: Entry[]): AsyncIterable<Member> {
  for await (const { entry, name, content } of members) {
    // What it is unpacked into is as it is for `./`, and takes what `/` says.
    if (entry.path === "" && !name.startsWith("/")) continue;
    entries.push(entry);
    if (entry.kind !== "file") continue;
    yield { entry: { path: contentName(entries.length - 1), kind: "file", mode: 0o600, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: entry.sizeBytes }, content };
  }
}

function contentName(number: number): string {
  return String(number).padStart(9, "0");
}

/** Extraction as Docker does it: in a root of its own, so that links lead no further than the directory that is unpacked into. */
class Unpacking {
  readonly #draft: TreeDraft;
  readonly #root: string;
  readonly #owner: Owner | undefined;
  /** Times of directories are set last, since making files in them changes them. */
  readonly #times: Array<readonly [path: string, mtimeNs: bigint]> = [];
  /** Names that were given to one file, under each of them. */
  readonly #names = new Map<string, Set<string>>();

  constructor(draft: TreeDraft, root: string, owner: Owner | undefined) {
    this.#draft = draft;
    this.#root = root;
    this.#owner = owner;
  }

  add(entry: Entry, content: Pick<TreeNode, "layer" | "stored"> | undefined): void {
    if (entry.kind === "opaque") return;
    const path = entry.path === "" ? this.#root : this.#place(entry.path);
    if (path !== this.#root) makeDirectories(this.#draft, parentPath(path), 0o755, { owner: { uid: 0, gid: 0 }, mtimeNs: undefined });
    const isMerged = this.#draft.lookup(path)?.entry.kind === "directory" && entry.kind === "directory";
    if (!isMerged) this.#draft.remove(path);
    this.#make(path, entry, { content, isMerged });
  }

  /** What has since taken a directory's place gets its time all the same. */
  finish(): void {
    for (const [path, mtimeNs] of this.#times) {
      const found = this.#draft.resolve(path.slice(this.#root.length), "follow", this.#root);
      if (this.#draft.lookup(found) === undefined) throw new OperationError("step-failed", `chtimes ${path.slice(this.#root.length) || "/"}: no such file or directory`);
      for (const name of this.#namesOf(found)) this.#draft.amend(name, { mtimeNs });
    }
  }

  #make(path: string, entry: Entry, { content, isMerged }: { readonly content: Pick<TreeNode, "layer" | "stored"> | undefined; readonly isMerged: boolean }): void {
    const { uid, gid } = this.#owner ?? entry;
    const mtimeNs = unpackedTime(entry.mtimeNs);
    const attributes = { mode: entry.mode, uid, gid, mtimeNs, ...(entry.xattrs === undefined ? {} : { xattrs: entry.xattrs }) };
    switch (entry.kind) {
      case "directory":
        if (!isMerged) this.#draft.makeDirectory(path, entry.mode);
        this.#draft.amend(path, attributes);
        this.#times.push([path, mtimeNs]);
        return;
      case "file":
        if (content === undefined) throw new RangeError(`no content of /${entry.path}`);
        this.#draft.writeFile(path, attributes, content);
        return;
      case "hardlink":
        this.#link(entry, path, attributes);
        return;
      case "symlink":
        this.#draft.makeSymlink(path, entry.linkname ?? "", attributes);
        return;
      case "char":
      case "block":
      case "fifo":
        this.#draft.makeSpecial(path, entry.kind, { ...attributes, ...(entry.device === undefined ? {} : { device: entry.device }) });
        return;
      case "whiteout":
      case "opaque":
        // What the marker takes away has just been removed.
        return;
    }
  }

  /** What is said of the link is then so of the file, by all its names; of a symbolic link, the owner alone. */
  #link(entry: Entry, path: string, attributes: Attributes): void {
    const target = entry.linkname ?? "";
    const existing = this.#place(target);
    const file = this.#draft.lookup(existing)?.entry;
    const found = file?.kind;
    // Both as the archive says: what is unpacked into is the root of the one that links.
    if (file === undefined || found === "directory") throw new OperationError("step-failed", `link /${target} /${entry.path}: ${found === undefined ? "no such file or directory" : "operation not permitted"}`);
    this.#draft.link(existing, path);
    const names = (this.#names.get(existing) ?? new Set([existing])).add(path);
    this.#names.set(existing, names).set(path, names);
    const { uid, gid } = attributes;
    const said = found === "symlink" ? { uid, gid } : { ...attributes, xattrs: xattrsAfterLink(file, attributes) };
    for (const name of this.#namesOf(path)) this.#draft.amend(name, said);
  }

  /** All that the archive gave to the file. */
  #namesOf(path: string): readonly string[] {
    const identity = this.#draft.identity(path);
    // Another file may have taken one of them since.
    return [...this.#names.get(path) ?? [path]].filter((name) => this.#draft.identity(name) === identity);
  }

  #place(path: string): string {
    return below(this.#draft.resolve(parentPath(path), "follow", this.#root), baseName(path));
  }
}
