import { decompress } from "../archive/decompress.ts";
import { gzip } from "../archive/gzip.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import type { StoredRun } from "./build-history.ts";
import { HistoryError } from "./history-error.ts";
import { parseRecord } from "./parse-record.ts";

/** No file of a record is larger than this; a longer one is somebody's trap. */
const FILE_BYTES_MAX = 128 * 1024 * 1024;
const GZIP_LEVEL = 6;

/** Runs as one file: a gzipped tar of a directory for each, `ID/record.json`, `ID/log.jsonl`, `ID/attachments/sha256-…`. */
export function writeArchive(runs: Iterable<StoredRun>): ByteStream {
  return gzip(writeTar(membersOf(runs)), GZIP_LEVEL);
}

async function* membersOf(runs: Iterable<StoredRun>): AsyncIterable<Member> {
  for (const { record, log, attachments } of runs) {
    yield member(`${record.id}/record.json`, Buffer.from(JSON.stringify(record)));
    yield member(`${record.id}/log.jsonl`, Buffer.from(log));
    for (const [digest, bytes] of attachments) yield member(`${record.id}/attachments/${digest.replace(":", "-")}`, bytes);
  }
}

function member(path: string, bytes: Uint8Array): Member {
  return { entry: { path, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.byteLength }, content: bytesOf(bytes) };
}

/** The runs of such a file, each checked as a whole. Throws HistoryError "damaged", ArchiveError for what is no archive. */
export async function readArchive(bytes: ByteStream): Promise<readonly StoredRun[]> {
  const files = new Map<string, Map<string, Uint8Array>>();
  for await (const { entry, content } of readTar(decompress(bytes))) {
    if (entry.kind === "directory") continue;
    const [, id = "", name = ""] = /^([a-z0-9]{1,64})\/(record\.json|log\.jsonl|attachments\/sha256-[0-9a-f]{64})$/.exec(entry.path) ?? [];
    if (id === "" || entry.kind !== "file") throw new HistoryError("damaged", `the archive holds ${JSON.stringify(entry.path)}, which is no part of a record`);
    const run = files.get(id) ?? new Map<string, Uint8Array>();
    files.set(id, run.set(name, await collectBytes(content, FILE_BYTES_MAX)));
  }
  if (files.size === 0) throw new HistoryError("damaged", "the archive holds no record of a build");
  return [...files].map(([id, run]) => checkedRun(id, run));
}

function checkedRun(id: string, files: ReadonlyMap<string, Uint8Array>): StoredRun {
  const text = (name: string): string => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new HistoryError("damaged", `build ${id} of the archive has no ${name}`);
    return Buffer.from(bytes).toString("utf8");
  };
  const record = parseRecord(text("record.json"), `build ${id} of the archive`);
  if (record.id !== id) throw new HistoryError("damaged", `build ${id} of the archive calls itself ${JSON.stringify(record.id)}`);
  const attachments = new Map<Digest, Uint8Array>(record.attachments.map(({ digest }) => {
    const bytes = files.get(`attachments/${digest.replace(":", "-")}`);
    if (bytes === undefined || digestOf(bytes) !== digest) throw new HistoryError("damaged", `attachment ${digest} of build ${id} is not in the archive, or is damaged there`);
    return [parseDigest(digest), bytes];
  }));
  return { record, log: text("log.jsonl"), attachments };
}
