import { createHash, hash } from "node:crypto";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "../archive/member.ts";
import { readTar, type MemberContent, type TarMember } from "../archive/tar-reader.ts";
import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import { bytesOfDigest, type DiffId } from "../content/digest.ts";
import { hashed } from "../content/hashed.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { writeAll } from "../host/write-all.ts";
import { EntryCollector, type CollectedEntry, type CollectedLayer } from "./entry-collector.ts";
import type { LayerIndex } from "./layer-index.ts";
import { membersOf, type Layer } from "./layer.ts";
import { writeNotes } from "./layer-notes.ts";
import type { Privilege } from "./privilege.ts";
import { LAYER_FILES } from "./stored-layer.ts";
import { TreeWriter } from "./tree-writer.ts";

/** An archive that says something twice, or by way of a link of its own: what it comes to is known at its end only. */
export class IntricateArchiveError extends Error {
  override readonly name = "IntricateArchiveError";
}

interface TreeIntake {
  /** Empty. What lies in it when this throws is to be thrown away. */
  readonly directory: string;
  readonly privilege: Privilege;
}

/**
 * Unpacks an archive while it arrives, and keeps no more of it than an index. Throws IntricateArchiveError where that cannot be done,
 * and CorruptBlobError when it is not the archive that was promised.
 */
export async function keepTree(intake: TreeIntake & { readonly diffId: DiffId }, tar: ByteStream, signal: AbortSignal): Promise<LayerIndex> {
  const whole = createHash("sha256");
  const collected = await writeTree(intake, readTar(hashed(tar, whole)), signal);
  const found = `sha256:${whole.digest("hex")}`;
  if (found !== intake.diffId) throw new CorruptBlobError(`layer ${intake.diffId}: bytes do not match, they are ${found}`);
  return await writeNotes(intake.directory, collected, signal);
}

/** The same of a layer that is a tree already, elsewhere. Throws CorruptBlobError when a file is not what it was when it came. */
export async function copyTree(intake: TreeIntake, layer: Layer, signal: AbortSignal): Promise<LayerIndex> {
  const collected = await writeTree(intake, membersOf(layer, signal), signal);
  for (const [number, entry] of collected.index.entries.entries()) {
    const sha256 = collected.digests[number];
    if (sha256 !== undefined && !sha256.equals(bytesOfDigest(await layer.contentDigest(entry, signal)))) throw new CorruptBlobError(`${entry.path}: was damaged in the tree of layer ${layer.id}; \`stemma fsck --repair\` takes that away, and the next build makes it anew`, "damaged");
  }
  return await writeNotes(intake.directory, collected, signal);
}

async function writeTree({ directory, privilege }: TreeIntake, members: AsyncIterable<Member | TarMember>, signal: AbortSignal): Promise<CollectedLayer> {
  const tree = join(directory, LAYER_FILES.tree);
  mkdirSync(tree);
  chmodSync(tree, 0o755);
  const writer = new TreeWriter(tree, "empty", privilege);
  const collector = new EntryCollector("archive");
  const slice = new TimeSlice();
  for await (const { entry, content } of members) {
    if (collector.isLeftOut(entry)) continue;
    const collected: CollectedEntry = { entry, offsetBytes: 0, sha256: undefined };
    if (!collector.add(collected)) throw new IntricateArchiveError(`${entry.path}: is not all that the archive says of it`);
    if (entry.kind === "file") collected.sha256 = await writeContent(writer.place(entry), content);
    writer.put(entry);
    signal.throwIfAborted();
    if (slice.isSpent) await slice.renew(signal);
  }
  await writer.finish(signal);
  return collector.finish("directory", 0);
}

/** Who reads an archive, or a layer, sees to it that there is as much as was announced. */
async function writeContent(path: Parameters<typeof openSync>[0], content: ByteStream | MemberContent): Promise<Buffer> {
  const fd = openSync(path, "wx", 0o600);
  try {
    const whole = "takeWhole" in content ? content.takeWhole() : undefined;
    if (whole !== undefined) {
      writeAll(fd, whole);
      return hash("sha256", whole, "buffer");
    }
    const sum = createHash("sha256");
    for await (const chunk of content) {
      sum.update(chunk);
      writeAll(fd, chunk);
    }
    return sum.digest();
  } finally {
    closeSync(fd);
  }
}
