import { ArchiveError } from "../archive/archive-error.ts";
import { decompress } from "../archive/decompress.ts";
import { gzip } from "../archive/gzip.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { ByteStream } from "../content/blob-store.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import type { StoredRun } from "./build-history.ts";
import { HistoryError } from "./history-error.ts";
import { HISTORY_RECORD, historyRecord, readHistoryRecord, type RecordBlob } from "./history-record.ts";
import { parseRecord } from "./parse-record.ts";

/** No file of a record is larger than this; a longer one is somebody's trap. */
const FILE_BYTES_MAX = 128 * 1024 * 1024;
const GZIP_LEVEL = 6;
/** How a zip with anything in it begins. */
const ZIP = Buffer.from("PK\x03\x04");

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
/** What of our record BuildKit's has no place for. Others see blobs that they do not know. */
const OWN_RECORD = "application/vnd.stemma.build.record.v1+json";
const OWN_LOG = "application/vnd.stemma.build.log.v1+jsonl";
/** Marks what lies beside our record under its own media type. */
const OWN_ATTACHMENT = "dev.stemma.history.attachment";
/** buildx marks the records of an archive with several. */
const REFERENCE = "vnd.buildkit.history.reference";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Runs as one file, in the form of buildx's `.dockerbuild`: a gzipped OCI layout with an image for each, whose configuration is BuildKit's record. */
export function writeArchive(runs: Iterable<StoredRun>): ByteStream {
  return gzip(writeTar(membersOf(runs)), GZIP_LEVEL);
}

async function* membersOf(runs: Iterable<StoredRun>): AsyncIterable<Member> {
  const written = new Set<Digest>();
  const manifests: Descriptor[] = [];
  const references: string[] = [];
  for (const run of runs) {
    const { manifest, blobs } = imageOf(run);
    for (const blob of blobs) yield* member(blob, written);
    references.push(run.record.id);
    manifests.push(descriptorOf(manifest));
  }
  let [top] = manifests;
  if (manifests.length > 1) {
    const marked = manifests.map((each, position) => ({ ...each, annotations: { [REFERENCE]: references[position] } }));
    const index = { mediaType: INDEX, bytes: Buffer.from(goJson({ schemaVersion: 2, mediaType: INDEX, manifests: marked }, "  ")) };
    yield* member(index, written);
    top = descriptorOf(index);
  }
  yield file("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  yield file("index.json", Buffer.from(goJson({ schemaVersion: 2, manifests: top === undefined ? [] : [top] })));
}

function imageOf(run: StoredRun): { readonly manifest: RecordBlob; readonly blobs: readonly RecordBlob[] } {
  const { config, blobs } = historyRecord(run);
  const own: readonly RecordBlob[] = [
    { mediaType: OWN_RECORD, bytes: Buffer.from(JSON.stringify(run.record)) },
    { mediaType: OWN_LOG, bytes: Buffer.from(run.log) },
    ...run.record.attachments.flatMap(({ digest, mediaType }) => {
      const bytes = run.attachments.get(digest);
      return bytes === undefined ? [] : [{ mediaType, bytes, annotations: { [OWN_ATTACHMENT]: run.record.id } }];
    }),
  ];
  const layers = [...blobs, ...own];
  const configBlob = { mediaType: HISTORY_RECORD, bytes: config };
  const manifest = { mediaType: MANIFEST, bytes: Buffer.from(goJson({ schemaVersion: 2, mediaType: MANIFEST, config: descriptorOf(configBlob), layers: layers.map(descriptorOf) }, "  ")) };
  return { manifest, blobs: [configBlob, ...layers, manifest] };
}

function descriptorOf({ mediaType, bytes, annotations }: RecordBlob): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength, ...(annotations && { annotations }) };
}

function* member({ bytes }: RecordBlob, written: Set<Digest>): Generator<Member> {
  const digest = digestOf(bytes);
  if (written.has(digest)) return;
  written.add(digest);
  yield file(blobPath(digest), bytes);
}

function file(path: string, bytes: Uint8Array): Member {
  return { entry: { path, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.byteLength }, content: bytesOf(bytes) };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** The runs of such a file, ours or buildx's, each checked as a whole. Throws HistoryError "damaged". */
export async function readArchive(bytes: ByteStream): Promise<readonly StoredRun[]> {
  const files = await filesIn(bytes);
  const index = files.get("index.json");
  const runs = index === undefined ? [] : runsOf(json(index), files);
  if (runs.length === 0) throw new HistoryError("damaged", "the archive holds no record of a build");
  return runs;
}

async function filesIn(bytes: ByteStream): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  try {
    for await (const { entry, content } of readTar(decompress(notZip(bytes)))) {
      if (entry.kind === "file" && /^(?:index\.json|blobs\/sha256\/[0-9a-f]{64})$/.test(entry.path)) files.set(entry.path, await collectBytes(content, FILE_BYTES_MAX));
    }
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new HistoryError("damaged", `this is no file of build records, as buildx and stemma write them: ${error.message}`, { cause: error });
  }
  return files;
}

/** GitHub gives every artifact as a zip, also the records that its actions for Docker keep. */
async function* notZip(bytes: ByteStream): ByteStream {
  let isFirst = true;
  for await (const chunk of bytes) {
    if (isFirst && Buffer.from(chunk.subarray(0, ZIP.byteLength)).equals(ZIP)) throw new HistoryError("damaged", "this is a zip: unpack it, and import the .dockerbuild that is in it");
    isFirst = false;
    yield chunk;
  }
}

type Found = Readonly<Record<string, unknown>>;

function json(bytes: Uint8Array): Found {
  try {
    // Every member is looked at before it is believed.
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as Found;
  } catch (error) {
    throw new HistoryError("damaged", "the archive holds a document that is no JSON", { cause: error });
  }
}

function runsOf(index: Found, files: ReadonlyMap<string, Uint8Array>): readonly StoredRun[] {
  return descriptorsOf(index["manifests"]).flatMap((each) => (each.mediaType === INDEX ? runsOf(json(required(each.digest, files)), files) : [readable(() => runOf(json(required(each.digest, files)), files))]));
}

/** Somebody else's record may hold anything where something else is expected. */
function readable(read: () => StoredRun): StoredRun {
  try {
    return read();
  } catch (error) {
    if (error instanceof HistoryError) throw error;
    throw new HistoryError("damaged", "the archive holds a record that cannot be read", { cause: error });
  }
}

function runOf(manifest: Found, files: ReadonlyMap<string, Uint8Array>): StoredRun {
  const [config] = descriptorsOf([manifest["config"]]);
  if (config?.mediaType !== HISTORY_RECORD) throw new HistoryError("damaged", "the archive holds an image that is no record of a build");
  const layers = descriptorsOf(manifest["layers"]);
  const [record, log] = [OWN_RECORD, OWN_LOG].map((mediaType) => layers.find((layer) => layer.mediaType === mediaType));
  if (record === undefined || log === undefined) return readHistoryRecord(required(config.digest, files), (digest) => checked(digest, files));
  const own = parseRecord(Buffer.from(required(record.digest, files)).toString("utf8"), "the archive");
  return { record: own, log: Buffer.from(required(log.digest, files)).toString("utf8"), attachments: new Map(own.attachments.map(({ digest }) => [parseDigest(digest), required(digest, files)])) };
}

function descriptorsOf(found: unknown): ReadonlyArray<{ readonly mediaType: string; readonly digest: string }> {
  if (!Array.isArray(found)) return [];
  return found.flatMap((each: Found | null) => (typeof each?.["mediaType"] === "string" && typeof each["digest"] === "string" ? [{ mediaType: each["mediaType"], digest: each["digest"] }] : []));
}

function required(digest: string, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const bytes = checked(digest, files);
  if (bytes === undefined) throw new HistoryError("damaged", `${JSON.stringify(digest)} is not in the archive`);
  return bytes;
}

function checked(digest: string, files: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  const bytes = files.get(blobPath(digest));
  if (bytes !== undefined && digestOf(bytes) !== digest) throw new HistoryError("damaged", `${digest} is damaged in the archive`);
  return bytes;
}
