import { fromBinary, fromJson, toBinary, type JsonObject } from "@bufbuild/protobuf";
import { digestOf, parseDigest, type Digest } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { BuildEvent } from "../progress/event.ts";
import { rawJsonRenderer } from "../progress/raw-json.ts";
import { StatusResponseSchema, type StatusResponse, type Timestamp, type Vertex, type VertexStatus, type VertexWarning } from "../proto/control/status_pb.ts";
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

/** The same as our events, as far as they tell the same. Throws HistoryError "damaged". */
export function* decodeStatus(bytes: Uint8Array): Generator<BuildEvent> {
  const told = new Map<string, "planned" | "started" | "ended">();
  for (const status of messagesOf(bytes)) {
    for (const vertex of status.vertexes) yield* vertexEvents(vertex, told);
    for (const part of status.statuses) yield partEvent(part);
    for (const { vertex, stream, msg, timestamp } of status.logs) yield { kind: "step-output", step: stepOf(vertex), stream: stream === 2n ? "stderr" : "stdout", bytes: msg, at: dateOf(timestamp) };
    for (const warning of status.warnings) yield warningEvent(warning);
  }
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

/** BuildKit tells a vertex again, whole, each time that something about it changes. */
function* vertexEvents(vertex: Vertex, told: Map<string, "planned" | "started" | "ended">): Generator<BuildEvent> {
  const { digest, name, started, completed, cached, error } = vertex;
  const step = stepOf(digest);
  const before = told.get(digest);
  if (before === undefined) yield { kind: "step-planned", step, name, inputs: vertex.inputs.map(stepOf), at: dateOf(started) };
  if (started !== undefined && before !== "started" && !(cached && completed !== undefined)) yield { kind: "step-started", step, name, at: dateOf(started) };
  told.set(digest, completed !== undefined ? "ended" : started !== undefined ? "started" : (before ?? "planned"));
  if (completed === undefined || before === "ended") return;
  const at = dateOf(completed);
  if (error !== "") yield { kind: "step-failed", step, message: error, at };
  else if (cached) yield { kind: "step-cached", step, name, at };
  else yield { kind: "step-finished", step, at };
}

function partEvent({ ID, vertex, current, total, completed, timestamp }: VertexStatus): BuildEvent {
  return { kind: "step-progress", step: stepOf(vertex), id: ID, doneBytes: Number(current), totalBytes: total === 0n ? undefined : Number(total), finished: completed !== undefined, at: dateOf(timestamp) };
}

function warningEvent({ short, detail, url, info, ranges }: VertexWarning): BuildEvent {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  const [first] = ranges;
  return {
    kind: "warning", rule: "", message: text(short), url, detail: detail.map(text).join("\n"),
    location: info === undefined || first === undefined ? undefined : { filename: info.filename, text: text(info.data), startLine: first.start?.line ?? 1, endLine: first.end?.line ?? first.start?.line ?? 1 },
  };
}

/** Some vertices of BuildKit's have names of another form. */
function stepOf(name: string): Digest {
  return /^sha256:[0-9a-f]{64}$/.test(name) ? parseDigest(name) : digestOf(Buffer.from(name));
}

function dateOf(time: Timestamp | undefined): Date {
  return time === undefined ? new Date(0) : new Date(Number(time.seconds) * 1000 + Math.floor(time.nanos / 1e6));
}
