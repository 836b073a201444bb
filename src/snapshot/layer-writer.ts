import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTar } from "../archive/tar-reader.ts";
import { TAR_END, tarHeader, tarPadding } from "../archive/tar-writer.ts";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { CorruptBlobError, type ByteStream } from "../content/blob-store.ts";
import { bytesOfDigest, type Digest, type DiffId } from "../content/digest.ts";
import { SizedHash } from "../content/sized-hash.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { ArchiveFile } from "./archive-file.ts";
import { EntryCollector } from "./entry-collector.ts";
import { exportedEntry } from "./exported-entry.ts";
import type { LayerIndex } from "./layer-index.ts";
import { writeNotes, writeUnsaid } from "./layer-notes.ts";
import { SparseTail } from "./sparse-tail.ts";
import { LAYER_FILES } from "./stored-layer.ts";

/** Writes a layer in tar form into an empty directory: one pass, each content read once and digested on its way. */
export async function writeTarForm(directory: string, members: AsyncIterable<Member>, signal: AbortSignal): Promise<LayerIndex> {
  await using archive = await ArchiveFile.create(join(directory, LAYER_FILES.tar));

  const collector = new EntryCollector("step");
  // Small files come without waiting for anything.
  const slice = new TimeSlice();
  const unsaid: Entry[] = [];
  for await (const { entry, content, digest, isUnsaid } of members) {
    signal.throwIfAborted();
    if (isUnsaid === true) {
      unsaid.push(entry);
      continue;
    }
    if (slice.isSpent) await slice.renew(signal);
    const exported = exportedEntry(entry);
    await archive.append(tarHeader(exported));
    const offsetBytes = archive.sizeBytes;
    const sha256 = entry.kind === "file" ? await copyContent({ entry, content, digest }, (chunk) => archive.append(chunk)) : undefined;
    await archive.append(tarPadding(exported));
    collector.add({ entry, offsetBytes, sha256 });
  }
  await archive.append(TAR_END);
  const diffId = await archive.finish();
  writeFileSync(join(directory, LAYER_FILES.diffId), diffId);
  await writeUnsaid(directory, unsaid, signal);
  return await writeNotes(directory, collector.finish("tar", archive.sizeBytes), signal);
}

/** Keeps an archive byte for byte, with an index of what is in it. Throws CorruptBlobError when it is not the one that was promised. */
export async function keepTar(directory: string, expected: DiffId, tar: ByteStream, signal: AbortSignal): Promise<LayerIndex> {
  await using archive = await ArchiveFile.create(join(directory, LAYER_FILES.tar));

  const kept = async function* (): ByteStream {
    for await (const chunk of tar) {
      signal.throwIfAborted();
      await archive.append(chunk);
      yield chunk;
    }
  };
  const collector = new EntryCollector("archive");
  const tail = new SparseTail();
  for await (const member of readTar(kept())) {
    const { entry, content } = member;
    const sha256 = entry.kind === "file" ? await copyContent({ entry, content, digest: undefined }, () => undefined) : undefined;
    collector.add({ entry, offsetBytes: tail.place(member), sha256 });
  }
  const diffId = await archive.finish();
  if (diffId !== expected) throw new CorruptBlobError(`layer ${expected}: bytes do not match, they are ${diffId}`);
  writeFileSync(join(directory, LAYER_FILES.diffId), diffId);
  await tail.write(join(directory, LAYER_FILES.tar), archive.sizeBytes);
  const collected = collector.finish("tar", archive.sizeBytes);
  return await writeNotes(directory, { ...collected, index: tail.settled(collected.index) }, signal);
}

interface FileContent {
  readonly entry: Entry;
  readonly content: ByteStream;
  readonly digest: Digest | undefined;
}

/** Passes content on and returns its sha256. Throws CorruptBlobError when there is more or less of it than announced. */
async function copyContent({ entry, content, digest }: FileContent, append: (chunk: Uint8Array) => Promise<void> | undefined): Promise<Buffer> {
  const sum = digest === undefined ? new SizedHash(entry.sizeBytes) : undefined;
  let seenBytes = 0;
  for await (const chunk of content) {
    seenBytes += chunk.byteLength;
    if (seenBytes > entry.sizeBytes) throw new CorruptBlobError(`${entry.path}: more than ${entry.sizeBytes} bytes`);
    sum?.update(chunk);
    const written = append(chunk);
    if (written !== undefined) await written;
  }
  if (seenBytes < entry.sizeBytes) throw new CorruptBlobError(`${entry.path}: ended at ${seenBytes} of ${entry.sizeBytes} bytes`);
  const known = sum?.digest() ?? digest;
  if (known === undefined) throw new CorruptBlobError(`${entry.path}: not the ${entry.sizeBytes} bytes that it was said to be`);
  return bytesOfDigest(known);
}
