import { goJson } from "../content/go-json.ts";
import { digestOf, parseDigest } from "../content/digest.ts";
import { parseRfc3339, rfc3339Nano } from "../content/timestamp.ts";
import type { BuildEvent } from "../progress/event.ts";
import { buildName } from "./build-name.ts";
import type { StoredRun } from "./build-history.ts";
import { RECORD_VERSION, refOf, stepCounts, type AttachmentRecord, type BuildRecord, type BuildStatus } from "./build-record.ts";
import { EventLog, parseEventLog } from "./event-log.ts";
import { encodeExternalError, EXTERNAL_ERROR } from "./external-error.ts";
import { failureCode, failureMessage } from "./failed-build.ts";
import { HistoryError } from "./history-error.ts";
import { decodeStatus, encodeStatus, STATUS_STREAM } from "./status-stream.ts";
import { recordedFailure, type RecordedError } from "./recorded-failure.ts";
import { SPAN_STREAM, spanStream } from "./span-stream.ts";
import { StepRecorder, type GraphStep } from "./step-record.ts";

/** Of the configuration of an image that is a record of a build, as buildx writes it for Docker Desktop. */
export const HISTORY_RECORD = "application/vnd.buildkit.historyrecord.v0";
const IN_TOTO = "application/vnd.in-toto+json";
const PREDICATE_TYPE = "in-toto.io/predicate-type";

/** Something beside a record, and what it is called there. */
export interface RecordBlob {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Described {
  readonly media_type?: string;
  readonly digest?: string;
  readonly size?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Seconds {
  readonly seconds?: number;
  readonly nanos?: number;
}

interface Results {
  readonly ResultDeprecated?: Described;
  readonly Attestations?: readonly Described[];
  readonly Results?: Readonly<Record<string, Described>>;
}

/** BuildKit's BuildHistoryRecord as Go's encoding/json writes it: with the names of its fields, and without those that are empty. */
interface HistoryRecord {
  readonly Ref?: string;
  readonly Frontend?: string;
  readonly FrontendAttrs?: Readonly<Record<string, string>>;
  readonly error?: RecordedError;
  /** A google.rpc.Status, with more than `error` has. */
  readonly externalError?: Described;
  readonly CreatedAt?: Seconds;
  readonly CompletedAt?: Seconds;
  readonly logs?: Described;
  readonly trace?: Described;
  readonly ExporterResponse?: Readonly<Record<string, string>>;
  readonly Result?: Results;
  readonly Results?: Readonly<Record<string, Results>>;
  readonly numCachedSteps?: number;
  readonly numTotalSteps?: number;
  readonly numCompletedSteps?: number;
  readonly numWarnings?: number;
  /** buildx adds what it knows of the client's side. */
  readonly localState?: { readonly Target?: string; readonly LocalPath?: string; readonly DockerfilePath?: string };
}

const CANCELED = 1;

/** A run as BuildKit would have recorded it: the record, and the blobs that it names. */
export function historyRecord({ record, log, attachments }: StoredRun): { readonly config: Uint8Array; readonly blobs: readonly RecordBlob[] } {
  const logs: RecordBlob = { mediaType: STATUS_STREAM, bytes: encodeStatus(parseEventLog(log)) };
  const predicates = record.attachments.flatMap((attachment) => {
    const blob = predicateBlob(attachment, attachments.get(attachment.digest));
    return blob === undefined ? [] : [{ blob, platform: attachment.platform }];
  });
  const attested = (platform: string | undefined): Results => {
    const own = predicates.filter((each) => each.platform === platform);
    return own.length === 0 ? {} : { Attestations: own.map(({ blob }) => described(blob)) };
  };
  const { total, completed, cached } = stepCounts(record);
  const image = record.image === null ? undefined : { media_type: record.image.mediaType, digest: record.image.digest, size: record.image.sizeBytes };
  const result: Results = { ...(image && { ResultDeprecated: image }), ...attested(undefined), ...(image && { Results: { 0: image } }) };
  const byPlatform = [...new Set(predicates.flatMap(({ platform }) => platform ?? []))];
  const response = { ...(record.image && { "containerimage.digest": record.image.digest }), ...(record.names.length > 0 && { "image.name": record.names.join(",") }) };
  const trace: RecordBlob = { mediaType: SPAN_STREAM, bytes: spanStream(record) };
  const detailed = encodeExternalError(record);
  const externalError = detailed && { mediaType: EXTERNAL_ERROR, bytes: detailed };
  const config: HistoryRecord & { readonly DefaultPlatform: string } = {
    Ref: record.id, Frontend: "dockerfile.v0", FrontendAttrs: record.attributes,
    ...(record.status === "completed" || record.status === "running" ? {} : { error: { code: failureCode(record), message: failureMessage(record) } }),
    CreatedAt: secondsOf(record.startedAt), CompletedAt: secondsOf(record.completedAt), logs: described(logs), trace: described(trace),
    ...(externalError && { externalError: described(externalError) }),
    ...(Object.keys(response).length > 0 && { ExporterResponse: response }), ...(Object.keys(result).length > 0 && { Result: result }),
    ...(byPlatform.length > 0 && { Results: Object.fromEntries(byPlatform.map((platform) => [platform, attested(platform)])) }),
    ...(cached > 0 && { numCachedSteps: cached }), ...(total > 0 && { numTotalSteps: total }), ...(completed > 0 && { numCompletedSteps: completed }), ...(record.warnings > 0 && { numWarnings: record.warnings }),
    DefaultPlatform: record.platforms[0] ?? "",
    localState: { Target: record.target ?? "", LocalPath: record.context, DockerfilePath: record.dockerfile },
  };
  return { config: Buffer.from(goJson(config, "  ")), blobs: [logs, trace, ...(externalError ? [externalError] : []), ...predicates.map(({ blob }) => blob)] };
}

/** BuildKit keeps predicates of provenance, without a statement around them; what came out of a record of its own has none. */
function predicateBlob({ type, predicateType }: AttachmentRecord, bytes: Uint8Array | undefined): RecordBlob | undefined {
  if (type !== "provenance" || predicateType === null || bytes === undefined) return undefined;
  // Checked against its digest; a predicate that is no object has been refused.
  const { predicate } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { readonly predicate?: object };
  return { mediaType: IN_TOTO, bytes: predicate === undefined ? bytes : Buffer.from(JSON.stringify(predicate, undefined, 2)), annotations: { [PREDICATE_TYPE]: predicateType } };
}

function described({ mediaType, bytes, annotations }: RecordBlob): Described {
  return { media_type: mediaType, digest: digestOf(bytes), size: bytes.byteLength, ...(annotations && { annotations }) };
}

function secondsOf(text: string): Seconds {
  const ns = parseRfc3339(text);
  return { seconds: Number(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) };
}

function timeOf({ seconds = 0, nanos = 0 }: Seconds): string {
  return rfc3339Nano(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
}

/** A record of BuildKit's as one of ours. `find` gives the blobs that it names, checked, and undefined for those that are not there. Throws HistoryError "damaged". */
export function readHistoryRecord(config: Uint8Array, find: (digest: string) => Uint8Array | undefined): StoredRun {
  const read = parseConfig(config);
  const { Ref: id = "", FrontendAttrs: attributes = {}, ExporterResponse: response = {}, localState } = read;
  if (!/^[a-z0-9]{1,64}$/.test(id) || read.CreatedAt === undefined || read.CompletedAt === undefined) throw new HistoryError("damaged", "the archive holds a record that has no id, or no times: a build that has not ended");
  const log = find(read.logs?.digest ?? "");
  const events = log === undefined ? [] : decodeStatus(log);
  const status = read.error === undefined ? "completed" : read.error.code === CANCELED ? "canceled" : "error";
  const context = localState?.LocalPath ?? attributes["context"] ?? "";
  const results = [read.Result ?? {}, ...Object.values(read.Results ?? {})];
  const image = results[0]?.Results?.["0"] ?? results[0]?.ResultDeprecated;
  const kept = new Map([["", read.Result ?? {}] as const, ...Object.entries(read.Results ?? {})].flatMap(([platform, { Attestations = [] }]) => Attestations.flatMap((attestation) => {
    const found = attachmentOf(attestation, platform, find);
    return found === undefined ? [] : [[found.attachment.digest, found] as const];
  })));
  const steps = stepsOf(events, status);
  const record: BuildRecord = {
    version: RECORD_VERSION, id, ref: refOf(id), name: buildName(attributes, context), status, startedAt: timeOf(read.CreatedAt), completedAt: timeOf(read.CompletedAt),
    context, dockerfile: [localState?.DockerfilePath, attributes["filename"]].find((path) => path !== undefined && path !== "") ?? "Dockerfile", target: attributes["target"] ?? null, platforms: (attributes["platform"] ?? "").split(",").filter((text) => text !== ""), attributes,
    error: read.error === undefined ? null : recordedFailure(read.error, find(read.externalError?.digest ?? ""), status === "canceled" ? [] : events),
    warnings: read.numWarnings ?? steps.warnings, steps: steps.records, materials: distinct([...kept.values()].flatMap(({ bytes }) => materialsOf(bytes))),
    names: (response["image.name"] ?? "").split(",").filter((text) => text !== ""),
    image: image?.digest === undefined ? null : { mediaType: image.media_type ?? "", digest: parseDigest(image.digest), sizeBytes: image.size ?? 0 },
    attachments: [...kept.values()].map(({ attachment }) => attachment),
  };
  return { record, log: logText(events), attachments: new Map([...kept].map(([digest, { bytes }]) => [digest, bytes])) };
}

function parseConfig(config: Uint8Array): HistoryRecord {
  try {
    // Every member is looked at before it is believed.
    return JSON.parse(Buffer.from(config).toString("utf8")) as HistoryRecord;
  } catch (error) {
    throw new HistoryError("damaged", "the archive holds a record that is no JSON", { cause: error });
  }
}

function stepsOf(events: readonly BuildEvent[], status: BuildStatus): Pick<BuildRecord, "warnings"> & { readonly records: BuildRecord["steps"] } {
  const steps = new StepRecorder();
  const planned: GraphStep[] = [];
  for (const event of events) {
    steps.add(event);
    if (event.kind === "step-planned") planned.push({ digest: event.step, name: event.name });
  }
  return { records: steps.records(planned, status), warnings: steps.warnings };
}

function logText(events: readonly BuildEvent[]): string {
  const log = new EventLog();
  for (const event of events) log.add(event);
  return log.text();
}

function attachmentOf({ digest, media_type = IN_TOTO, annotations }: Described, platform: string, find: (digest: string) => Uint8Array | undefined): { readonly attachment: AttachmentRecord; readonly bytes: Uint8Array } | undefined {
  const bytes = find(digest ?? "");
  if (digest === undefined || bytes === undefined) return undefined;
  const predicateType = annotations?.[PREDICATE_TYPE] ?? null;
  const type = predicateType?.startsWith("https://slsa.dev/provenance/") === true ? "provenance" : /spdx|cyclonedx/.test(predicateType ?? "") ? "sbom" : "statement";
  return { attachment: { digest: parseDigest(digest), type, mediaType: media_type, predicateType, sizeBytes: bytes.byteLength, ...(platform !== "" && { platform }) }, bytes };
}

/** Platforms have most of them in common. */
function distinct(materials: BuildRecord["materials"]): BuildRecord["materials"] {
  return [...new Map(materials.map((material) => [`${material.uri} ${material.digest}`, material])).values()];
}

/** Of a predicate of SLSA, 1 or 0.2; none of anything else. */
function materialsOf(bytes: Uint8Array): BuildRecord["materials"] {
  interface Material {
    readonly uri?: string;
    readonly digest?: Readonly<Record<string, string>>;
  }
  // Somebody else's: what is not there is not taken.
  const predicate = JSON.parse(Buffer.from(bytes).toString("utf8")) as { readonly buildDefinition?: { readonly resolvedDependencies?: readonly Material[] }; readonly materials?: readonly Material[] };
  const found = predicate.buildDefinition?.resolvedDependencies ?? predicate.materials ?? [];
  return found.map(({ uri = "", digest = {} }) => ({ uri, digest: Object.entries(digest).map(([kind, hex]) => `${kind}:${hex}`).join(" ") }));
}
