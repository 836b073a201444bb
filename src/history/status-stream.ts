import { fromBinary, fromJson, toBinary, toJson, type JsonObject } from "@bufbuild/protobuf";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { BuildEvent } from "../progress/event.ts";
import { rawJsonRenderer } from "../progress/raw-json.ts";
import { stepGroup } from "../progress/step-groups.ts";
import { parseWarningText } from "../progress/warning-text.ts";
import { StatusResponseSchema, type StatusResponse, type Timestamp, type Vertex, type VertexStatus, type VertexWarning } from "../proto/control/status_pb.ts";
import { DefinitionSchema } from "../proto/pb/ops_pb.ts";
import { HistoryError } from "./history-error.ts";

/** What BuildKit calls the log of a build: its StatusResponse messages, each behind its length in four bytes, the lowest first. */
export const STATUS_STREAM = "application/vnd.buildkit.status.v0";

const LENGTH_BYTES = 4;
/** Where the JSON of BuildKit's clients has other names than its messages. */
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = { statuses: { id: "ID" }, logs: { data: "msg" }, warnings: { sourceInfo: "info", range: "ranges" } };
const TIMES: ReadonlySet<string> = new Set(["started", "completed", "timestamp"]);

export function encodeStatus(events: Iterable<BuildEvent>): Uint8Array {
  const parts: Uint8Array[] = [];
  const render = rawJsonRenderer((line) => {
    const message = toBinary(StatusResponseSchema, fromJson(StatusResponseSchema, messageJson(line)));
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32LE(message.byteLength);
    parts.push(length, message);
  });
  for (const event of events) render(event);
  return Buffer.concat(parts);
}

function messageJson(line: string): JsonObject {
  // Written by the renderer.
  const status = JSON.parse(line) as Readonly<Record<string, readonly JsonObject[]>>;
  return Object.fromEntries(Object.entries(status).map(([kind, items]) => [kind, items.map((item) => Object.fromEntries(Object.entries(item).map(([name, value]) => [RENAMED[kind]?.[name] ?? name, TIMES.has(name) && typeof value === "string" ? timeJson(value) : value])))]));
}

function timeJson(text: string): JsonObject {
  const ns = parseRfc3339(text);
  return { seconds: String(ns / 1_000_000_000n), nanos: Number(ns % 1_000_000_000n) };
}

/**
 * The same as our events, as far as they tell the same, in the order of their times: a log that BuildKit kept has all vertices first, then all parts of them,
 * then all output. Throws HistoryError "damaged".
 */
export function decodeStatus(bytes: Uint8Array): readonly BuildEvent[] {
  const told = new Map<string, ToldVertex>();
  const timed: TimedEvent[] = [];
  const [begun, parted] = [new Set<string>(), new Set<string>()];
  for (const status of messagesOf(bytes)) {
    for (const vertex of status.vertexes) told.set(vertex.digest, toldAgain(told.get(vertex.digest), vertex));
    for (const part of status.statuses) {
      // Of a part that was told once, its beginning is known from that alone.
      if (part.started !== undefined && nsOf(part.started) < nsOf(part.timestamp) && !begun.has(`${part.vertex} ${part.ID}`)) timed.push({ ns: nsOf(part.started), event: { ...partEvent(part), doneBytes: 0, finished: false, at: dateOf(part.started) } });
      begun.add(`${part.vertex} ${part.ID}`);
      parted.add(part.vertex);
      timed.push({ ns: nsOf(part.timestamp), event: partEvent(part) });
    }
    for (const { vertex, stream, msg, timestamp } of status.logs) timed.push({ ns: nsOf(timestamp), event: { kind: "step-output", step: stepOf(vertex), stream: stream === 2n ? "stderr" : "stdout", bytes: msg, at: dateOf(timestamp) } });
    // They have no time of their own: they come with what was told last.
    for (const warning of status.warnings) timed.push({ ns: timed.at(-1)?.ns ?? 0n, event: warningEvent(warning) });
  }
  const vertexes = [...told.values()];
  const all = [...vertexes.flatMap((vertex) => beginning(vertex, parted.has(vertex.first.digest))), ...timed, ...vertexes.flatMap(ending)];
  return [...vertexes.map(planned), ...all.toSorted((a, b) => Number(a.ns - b.ns)).map(({ event }) => event)];
}

interface TimedEvent {
  readonly ns: bigint;
  readonly event: BuildEvent;
}

/** A vertex is told again, whole, each time that something about it changes, and may begin more than once: its content is named, and later it is asked for. */
interface ToldVertex {
  readonly first: Vertex;
  readonly started: Timestamp | undefined;
  readonly last: Vertex;
}

function toldAgain(before: ToldVertex | undefined, vertex: Vertex): ToldVertex {
  return { first: before?.first ?? vertex, started: before?.started ?? vertex.started, last: vertex };
}

function planned({ first: { digest, name, inputs, started, progressGroup } }: ToldVertex): BuildEvent {
  return { kind: "step-planned", step: stepOf(digest), name, inputs: inputs.map(stepOf), ...stepGroup(progressGroup), at: dateOf(started) };
}

/** What was cached has begun only where something was told of it: a reference that was resolved. */
function beginning({ started, last: { digest, name, cached, completed, error } }: ToldVertex, hasParts: boolean): readonly TimedEvent[] {
  const step = stepOf(digest);
  const isCached = cached && completed !== undefined && error === "";
  return [
    ...(started === undefined || (isCached && !hasParts) ? [] : [{ ns: nsOf(started), event: { kind: "step-started", step, name, at: dateOf(started) } } as const]),
    ...(isCached ? [{ ns: nsOf(completed), event: { kind: "step-cached", step, name, at: dateOf(completed) } } as const] : []),
  ];
}

function ending({ last: { digest, cached, completed, error } }: ToldVertex): readonly TimedEvent[] {
  if (completed === undefined || (cached && error === "")) return [];
  const [step, at, ns] = [stepOf(digest), dateOf(completed), nsOf(completed)];
  return [{ ns, event: error === "" ? { kind: "step-finished", step, at } : { kind: "step-failed", step, message: error, at } }];
}

function* messagesOf(bytes: Uint8Array): Generator<StatusResponse> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < view.byteLength; ) {
    const end = at + LENGTH_BYTES + (at + LENGTH_BYTES <= view.byteLength ? view.readUInt32LE(at) : Infinity);
    if (end > view.byteLength) throw new HistoryError("damaged", "the log of the build is cut off");
    yield messageOf(view.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
}

function messageOf(bytes: Uint8Array): StatusResponse {
  try {
    return fromBinary(StatusResponseSchema, bytes);
  } catch (error) {
    throw new HistoryError("damaged", "the log of the build is no log of BuildKit's", { cause: error });
  }
}

function partEvent({ ID, vertex, current, total, completed, timestamp }: VertexStatus): Extract<BuildEvent, { readonly kind: "step-progress" }> {
  return { kind: "step-progress", step: stepOf(vertex), id: ID, doneBytes: Number(current), totalBytes: total === 0n ? undefined : Number(total), finished: completed !== undefined, at: dateOf(timestamp) };
}

function warningEvent({ vertex, short, detail, url, info, ranges }: VertexWarning): BuildEvent {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  const [first] = ranges;
  return {
    kind: "warning", ...(vertex === "" ? {} : { step: stepOf(vertex) }), ...parseWarningText(text(short)), url, detail: detail.map(text).join("\n"),
    location: info === undefined || first === undefined ? undefined : {
      filename: info.filename, text: text(info.data), startLine: first.start?.line ?? 1, endLine: first.end?.line ?? first.start?.line ?? 1,
      ...(info.language === "" ? {} : { language: info.language }),
      ...(info.definition === undefined ? {} : { definition: toJson(DefinitionSchema, info.definition, { useProtoFieldName: true }) }),
    },
  };
}

/** Some vertices of BuildKit's have names of another form. */
function stepOf(name: string): Digest {
  return /^sha256:[0-9a-f]{64}$/.test(name) ? parseDigest(name) : digestOf(Buffer.from(name));
}

function nsOf(time: Timestamp | undefined): bigint {
  return time === undefined ? 0n : time.seconds * 1_000_000_000n + BigInt(time.nanos);
}

function dateOf(time: Timestamp | undefined): Date {
  return time === undefined ? new Date(0) : new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6));
}
