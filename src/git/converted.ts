import type { ByteStream } from "../content/blob-store.ts";
import { collectBytes } from "../content/bytes.ts";
import type { Digest } from "../content/digest.ts";
import { readAttributes, UNSPECIFIED, type Attributes } from "./attributes.ts";
import { checkedIn, checkInOf, type CheckIn } from "./check-in.ts";
import { LFS_POINTER_BYTES_MAX, parseLfsPointer } from "./lfs-pointer.ts";
import { objectId } from "./object-id.ts";
import { GitObjectError } from "./object-reader.ts";
import type { WorkTree } from "./work-tree.ts";

/** Converting takes some ten milliseconds for this much, in which nothing else gets its turn. */
const CONVERTED_BYTES_MAX = 4 * 1024 * 1024;

/** A file whose bytes are not those of the commit's blob. */
export interface ChangedFile {
  /** From the top of its work tree. */
  readonly within: string;
  /** The blob that the commit has. */
  readonly id: string;
  readonly content: UsedContent;
}

export interface UsedContent {
  readonly digest: Digest;
  readonly sizeBytes: number;
  read(signal: AbortSignal): ByteStream;
}

/** What was found of a content before, by name: it stays true for ever. */
export interface ConversionMemory {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

export type Conversion = "equal" | "other content" | `filter ${string} not understood`;

/**
 * For each file, whether it is the commit's once git's own changes between work tree and objects are taken back: line
 * ends, encoding, keyword, git-lfs. The proof is a hash each time. Other programs that attributes name are not run.
 */
export async function compareConverted(workTree: WorkTree, files: readonly ChangedFile[], memory: ConversionMemory, signal: AbortSignal): Promise<readonly Conversion[]> {
  if (files.length === 0) return [];
  const [attributes, isAutomatic] = await Promise.all([readAttributes(workTree.git, files.map(({ within }) => within), signal), hasAutomaticLineEnds(workTree, signal)]);
  const conversions: Conversion[] = [];
  for (const file of files) conversions.push(await compareOne(workTree, { ...file, attributes: attributes.get(file.within) ?? UNSPECIFIED, isAutomatic, memory }, signal));
  return conversions;
}

interface Comparison extends ChangedFile {
  readonly attributes: Attributes;
  readonly isAutomatic: boolean;
  readonly memory: ConversionMemory;
}

async function compareOne(workTree: WorkTree, { id, content, attributes, isAutomatic, memory }: Comparison, signal: AbortSignal): Promise<Conversion> {
  const { filter } = attributes;
  if (filter === "lfs") return (await isPointedAt(workTree, id, content)) ? "equal" : "other content";
  if (filter !== undefined && filter !== "unset" && filter !== "set") return `filter ${filter} not understood`;
  const checkIn = checkInOf(attributes, isAutomatic);
  if (checkIn === undefined || content.sizeBytes > CONVERTED_BYTES_MAX) return "other content";
  const name = `${content.digest} ${workTree.format} ${checkIn.encoding ?? ""} ${checkIn.lineEnds} ${checkIn.keyword}`;
  let blob = memory.get(name);
  if (blob === undefined) memory.set(name, (blob = await blobAfter(checkIn, { content, format: workTree.format }, signal)));
  return blob === id ? "equal" : "other content";
}

async function isPointedAt({ objects }: WorkTree, id: string, { digest, sizeBytes }: UsedContent): Promise<boolean> {
  try {
    const pointer = parseLfsPointer(await objects.read(id, "blob", LFS_POINTER_BYTES_MAX));
    return pointer !== undefined && digest === `sha256:${pointer.sha256}` && BigInt(sizeBytes) === pointer.sizeBytes;
  } catch (error) {
    // Committed as it is, before it was given to git-lfs.
    if (error instanceof GitObjectError && error.code === "too-large") return false;
    throw error;
  }
}

/** Empty where the content cannot be converted: no blob has such a name. */
async function blobAfter(checkIn: CheckIn, { content, format }: { readonly content: UsedContent; readonly format: WorkTree["format"] }, signal: AbortSignal): Promise<string> {
  const bytes = Buffer.from(await collectBytes(content.read(signal), CONVERTED_BYTES_MAX));
  const converted = checkedIn(bytes, checkIn);
  return converted === undefined ? "" : objectId(format, "blob", converted);
}

async function hasAutomaticLineEnds({ git }: WorkTree, signal: AbortSignal): Promise<boolean> {
  const value = await git.line(["config", "--get", "core.autocrlf"], signal);
  return value !== undefined && !/^(?:false|no|off|0)$/i.test(value);
}
