import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { decompress } from "../archive/decompress.ts";
import { gzip } from "../archive/gzip.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import { StatusResponseSchema } from "../proto/control/status_pb.ts";
import type { StoredRun } from "./build-history.ts";
import { PlainText } from "../progress/plain.ts";
import { StatusSchema } from "../proto/google/rpc/status_pb.ts";
import { refOf, stepCounts } from "./build-record.ts";
import { EventLog, parseEventLog } from "./event-log.ts";
import { HistoryError } from "./history-error.ts";
import { readArchive, writeArchive } from "./record-archive.ts";
import { decodeStatus } from "./status-stream.ts";

const [COPY, RUN] = [digestOf(Buffer.from("copy")), digestOf(Buffer.from("run"))];
const at = new Date("2026-01-01T00:00:01.250Z");
const EVENTS: readonly BuildEvent[] = [
  { kind: "step-planned", step: COPY, name: "COPY a /", inputs: [], group: { id: "g", name: "COPY --link a /", weak: true }, at },
  { kind: "step-planned", step: RUN, name: "RUN make", inputs: [COPY], at },
  { kind: "step-cached", step: COPY, name: "COPY a /", at },
  { kind: "step-started", step: RUN, name: "RUN make", at },
  { kind: "step-output", step: RUN, stream: "stderr", bytes: Buffer.from([0xff, 0x0a]), at },
  { kind: "step-progress", step: RUN, id: "layers", doneBytes: 3, totalBytes: 7, finished: true, at },
  { kind: "warning", rule: "", message: "odd", url: "https://example.com", detail: "more", location: { filename: "Dockerfile", text: "FROM x\nRUN make\n", startLine: 2, endLine: 2 } },
  { kind: "step-finished", step: RUN, at },
];

function logOf(events: readonly BuildEvent[]): string {
  const log = new EventLog();
  for (const event of events) log.add(event);
  return log.text();
}

const PREDICATE = { buildDefinition: { resolvedDependencies: [{ uri: "pkg:docker/a@1", digest: { sha256: "0a" } }] } };

function runOf(id: string, change: Partial<StoredRun["record"]> = {}): StoredRun {
  const statement = Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject: [], predicateType: "https://slsa.dev/provenance/v1", predicate: PREDICATE }));
  return {
    log: logOf(EVENTS),
    attachments: new Map([[digestOf(statement), statement]]),
    record: {
      version: 1, id, ref: refOf(id), name: "app (<x>)", status: "completed", startedAt: "2026-01-01T00:00:00.000000001Z", completedAt: "2026-01-01T00:01:30Z", context: "/app", dockerfile: "Dockerfile", target: "x",
      platforms: ["linux/amd64"], attributes: { target: "x", "build-arg:A": "<b>&" }, error: null, warnings: 1, materials: [], names: ["a:1", "a:2"], image: { mediaType: "application/vnd.oci.image.index.v1+json", digest: COPY, sizeBytes: 5 },
      steps: [{ digest: COPY, name: "COPY a /", outcome: "cached", cache: { reason: "unchanged", message: "" }, startedAt: at.toISOString(), durationMs: 0, error: null }, { digest: RUN, name: "RUN make", outcome: "ran", cache: null, startedAt: at.toISOString(), durationMs: 0, error: null }],
      attachments: [{ digest: digestOf(statement), type: "provenance", mediaType: "application/vnd.in-toto+json", predicateType: "https://slsa.dev/provenance/v1", sizeBytes: statement.byteLength }],
      ...change,
    },
  };
}

async function filesOf(runs: readonly StoredRun[]): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { entry, content } of readTar(decompress(writeArchive(runs)))) files.set(entry.path, await collectBytes(content, 1e6));
  return files;
}

async function archiveOf(files: ReadonlyMap<string, Uint8Array>): Promise<readonly StoredRun[]> {
  const members = async function* (): AsyncIterable<Member> {
    for (const [path, bytes] of files) yield { entry: { path, kind: "file", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: bytes.byteLength }, content: bytesOf(bytes) };
  };
  return await readArchive(gzip(writeTar(members()), 1));
}

interface Named {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Found = Readonly<Record<string, unknown>>;

interface Documents {
  readonly open: (named: Named | undefined) => Found;
  readonly named: (found: unknown) => readonly Named[];
  readonly top: Named | undefined;
}

/** As anyone finds it who knows OCI layouts. */
function documents(files: ReadonlyMap<string, Buffer>): Documents {
  const parse = (path: string): Found => JSON.parse(files.get(path)?.toString("utf8") ?? "null") as Found;
  const named = (found: unknown): readonly Named[] => [found].flat() as readonly Named[];
  return { open: (one) => parse(`blobs/${one?.digest.replace(":", "/")}`), named, top: named(parse("index.json")["manifests"])[0] };
}

/** What has not begun has no time there, and a warning's message names its line. */
function asBuildKitHasIt(event: BuildEvent): BuildEvent {
  if (event.kind === "step-planned") return { ...event, at: new Date(0) };
  return event.kind === "warning" ? { ...event, message: `${event.message} (line 2)` } : event;
}

/** The fields of BuildHistoryRecord in moby/buildkit's api/services/control/control.proto by the names of Go's JSON, and what buildx's bundle adds. */
const RECORD_FIELDS = new Set(["Ref", "Frontend", "FrontendAttrs", "Exporters", "error", "CreatedAt", "CompletedAt", "logs", "ExporterResponse", "Result", "Results", "Generation", "trace", "pinned", "numCachedSteps", "numTotalSteps", "numCompletedSteps", "externalError", "numWarnings", "DefaultPlatform", "localState", "stateGroup"]);

test("what is exported is imported again as it was, one run or several, however it ended", async () => {
  const runs = [runOf("a"), runOf("b", { status: "interrupted", error: { code: "interrupted", message: "x", report: "y" }, image: null, names: [] })];
  for (const some of [runs.slice(0, 1), runs]) assert.deepEqual(await readArchive(writeArchive(some)), some.map((run) => ({ ...run, attachments: new Map([...run.attachments].map(([digest, bytes]) => [digest, Buffer.from(bytes)])) })));
});

test("what is exported has the form of buildx's files", async () => {
  const files = await filesOf([runOf("a")]);
  assert.deepEqual(JSON.parse(files.get("oci-layout")?.toString("utf8") ?? ""), { imageLayoutVersion: "1.0.0" });
  const { open, named, top } = documents(files);
  assert.equal(top?.mediaType, "application/vnd.oci.image.manifest.v1+json");
  const [[config], layers] = [named(open(top)["config"]), named(open(top)["layers"])];
  assert.ok(config);
  assert.equal(config.mediaType, "application/vnd.buildkit.historyrecord.v0");
  for (const { digest, size } of [top, config, ...layers]) assert.deepEqual([digestOf(files.get(`blobs/${digest.replace(":", "/")}`) ?? Buffer.alloc(0)), files.get(`blobs/${digest.replace(":", "/")}`)?.byteLength], [digest, size]);
  const record = open(config);
  assert.deepEqual(Object.keys(record).filter((name) => !RECORD_FIELDS.has(name)), []);
  assert.deepEqual([record["Ref"], record["CreatedAt"], record["CompletedAt"], record["numTotalSteps"], record["numCompletedSteps"], record["numCachedSteps"], record["error"]], ["a", { seconds: 1767225600, nanos: 1 }, { seconds: 1767225690, nanos: 0 }, 2, 2, 1, undefined]);
  assert.deepEqual(record["logs"], { media_type: "application/vnd.buildkit.status.v0", digest: layers[0]?.digest, size: layers[0]?.size });
  assert.deepEqual([...decodeStatus(files.get(`blobs/${layers[0]?.digest.replace(":", "/")}`) ?? Buffer.alloc(0))], EVENTS.map(asBuildKitHasIt));
  assert.deepEqual(JSON.parse(files.get(`blobs/${layers[2]?.digest.replace(":", "/")}`)?.toString("utf8") ?? ""), PREDICATE);
  assert.deepEqual(layers[2]?.annotations, { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" });
  const several = documents(await filesOf([runOf("a"), runOf("b")]));
  assert.deepEqual(several.named(several.open(several.top)["manifests"]).map(({ annotations }) => annotations?.["vnd.buildkit.history.reference"]), ["a", "b"]);
});

/** As buildx would write it, with nothing of ours. */
function buildxFiles(record: object, blobs: readonly Uint8Array[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const put = (bytes: Uint8Array, mediaType: string): Named => {
    files.set(`blobs/${digestOf(bytes).replace(":", "/")}`, bytes);
    return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  };
  const layers = blobs.map((bytes) => put(bytes, "application/octet-stream"));
  const config = put(Buffer.from(JSON.stringify(record, undefined, 2)), "application/vnd.buildkit.historyrecord.v0");
  const manifest = put(Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers })), "application/vnd.oci.image.manifest.v1+json");
  return files.set("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [manifest] })));
}

function statusStream(...messages: ReadonlyArray<MessageInitShape<typeof StatusResponseSchema>>): Buffer {
  return Buffer.concat(messages.flatMap((message) => {
    const bytes = toBinary(StatusResponseSchema, create(StatusResponseSchema, message));
    return [Buffer.from(new Uint32Array([bytes.byteLength]).buffer), bytes];
  }));
}

const described = (bytes: Uint8Array, media_type: string, annotations?: object): object => ({ media_type, digest: digestOf(bytes), size: bytes.byteLength, ...(annotations && { annotations }) });

test("a record that buildx wrote is taken in with its request, its steps, its log and its provenance", async () => {
  const time = (seconds: bigint): { readonly seconds: bigint; readonly nanos: number } => ({ seconds, nanos: 500_000_000 });
  const log = statusStream(
    { vertexes: [{ digest: COPY, name: "[1/2] COPY a /" }, { digest: RUN, name: "[2/2] RUN make", inputs: [COPY] }] },
    { vertexes: [{ digest: COPY, name: "[1/2] COPY a /", started: time(1n), completed: time(1n), cached: true }, { digest: RUN, name: "[2/2] RUN make", started: time(1n) }] },
    { logs: [{ vertex: RUN, stream: 1n, msg: Buffer.from("hello\n"), timestamp: time(2n) }] },
    { vertexes: [{ digest: RUN, name: "[2/2] RUN make", started: time(1n), completed: time(3n), error: "exit code: 1" }] },
  );
  const predicate = Buffer.from(JSON.stringify(PREDICATE));
  const files = buildxFiles({
    Ref: "p613xs1bs8bpdtoru2tfrs5xx", Frontend: "dockerfile.v0", FrontendAttrs: { filename: "Dockerfile.multi", "vcs:source": "https://example.com/sample.git", target: "t", platform: "linux/amd64,linux/arm64" },
    error: { code: 2, message: "process did not complete" }, CreatedAt: { seconds: 1, nanos: 5 }, CompletedAt: { seconds: 4 }, logs: described(log, "application/vnd.buildkit.status.v0"),
    Results: { "linux/amd64": { Attestations: [described(predicate, "application/vnd.in-toto+json", { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" })] } },
    numTotalSteps: 2, numCachedSteps: 1, DefaultPlatform: "linux/amd64",
  }, [log, predicate]);
  const [run] = await archiveOf(files);
  const { record } = run ?? assert.fail();
  assert.deepEqual([record.id, record.name, record.status, record.startedAt, record.completedAt, record.target, record.platforms], ["p613xs1bs8bpdtoru2tfrs5xx", "sample/Dockerfile.multi (t)", "error", "1970-01-01T00:00:01.000000005Z", "1970-01-01T00:00:04Z", "t", ["linux/amd64", "linux/arm64"]]);
  assert.deepEqual(record.steps.map(({ name, outcome, durationMs, error }) => [name, outcome, durationMs, error]), [["[1/2] COPY a /", "cached", 0, null], ["[2/2] RUN make", "failed", 2000, "exit code: 1"]]);
  assert.equal(record.error?.message, "process did not complete");
  assert.deepEqual(record.materials, [{ uri: "pkg:docker/a@1", digest: "sha256:0a" }]);
  assert.deepEqual([...parseEventLog(run?.log ?? "")].flatMap((event) => (event.kind === "step-output" ? [Buffer.from(event.bytes).toString("utf8")] : [])), ["hello\n"]);
  assert.deepEqual(record.attachments.map(({ type, digest }) => [type, digest]), [["provenance", digestOf(predicate)]]);
  assert.deepEqual(run?.attachments.get(digestOf(predicate)), predicate);
});

/** As BuildKit 0.32 keeps the log of a build: first every vertex each time that it was told, then the parts in their last state, then all output. */
function keptLog(): Buffer {
  const time = (ms: number): { readonly seconds: bigint; readonly nanos: number } => ({ seconds: 1n, nanos: ms * 1_000_000 });
  const [load, run] = [{ digest: COPY, name: "[internal] load build context" }, { digest: RUN, name: "RUN false", inputs: [COPY] }];
  return statusStream({
    vertexes: [
      run, load, { ...load, started: time(1), completed: time(2) }, { ...load, started: time(3), completed: time(90) },
      { ...run, started: time(100), completed: time(300), error: "exit code: 7" },
    ],
    statuses: [{ vertex: COPY, ID: "transferring context:", name: "transferring", current: 324n, total: 0n, started: time(4), timestamp: time(80), completed: time(80) }],
    logs: [{ vertex: RUN, stream: 1n, msg: Buffer.from("before\n"), timestamp: time(110) }, { vertex: RUN, stream: 2n, msg: Buffer.from("oops\n"), timestamp: time(120) }],
  });
}

test("steps of a log that BuildKit kept are what they ended as, and the log is in the order of time", async () => {
  const log = keptLog();
  const [run] = await archiveOf(buildxFiles({ Ref: "a", error: { code: 2, message: "exit code: 7" }, CreatedAt: { seconds: 1 }, CompletedAt: { seconds: 2 }, logs: described(log, "application/vnd.buildkit.status.v0") }, [log]));
  const { record, log: text } = run ?? assert.fail();
  assert.deepEqual(record.steps.map(({ name, outcome, durationMs }) => [name, outcome, durationMs]), [["[internal] load build context", "ran", 89], ["RUN false", "failed", 200]]);
  assert.deepEqual(stepCounts(record), { total: 2, completed: 2, cached: 0 });
  let shown = "";
  const plain = new PlainText({ write: (part) => void (shown += part) });
  for (const event of parseEventLog(text)) plain.take(event, at);
  plain.finish(at);
  assert.equal(shown, "#1 [internal] load build context\n#1 transferring context: 324B 0.1s done\n#1 DONE 0.1s\n\n#2 RUN false\n#2 0.010 before\n#2 0.020 oops\n#2 ERROR: exit code: 7\n");
});

test("a failure that BuildKit recorded is shown with its step, its output and its lines", async () => {
  const log = keptLog();
  const detail = { info: { filename: "Dockerfile", data: Buffer.from("FROM scratch\nRUN false\n").toString("base64"), language: "Dockerfile" }, ranges: [{ start: { line: 2 }, end: { line: 2 } }] };
  const status = toBinary(StatusSchema, create(StatusSchema, { code: 2, message: "exit code: 7", details: [
    { typeUrl: "github.com/moby/buildkit/stack.Stack+json", value: Buffer.from("{}") },
    { typeUrl: "github.com/moby/buildkit/errdefs.Source+json", value: Buffer.from(JSON.stringify(detail)) },
  ] }));
  const recordOf = (error: object): object => ({ Ref: "a", error, CreatedAt: {}, CompletedAt: {}, logs: described(log, "x"), externalError: described(status, "application/vnd.googeapis.google.rpc.status+proto"), localState: { Target: "default", LocalPath: "/app", DockerfilePath: "" } });
  const [run] = await archiveOf(buildxFiles(recordOf({ code: 2, message: "exit code: 7" }), [log, status]));
  assert.equal(run?.record.error?.report, `------\n > RUN false:\n0.010 before\n0.020 oops\n------\nDockerfile:2\n${"-".repeat(20)}\n   1 |     FROM scratch\n   2 | >>> RUN false\n   3 |     \n${"-".repeat(20)}\n`);
  assert.equal(run.record.dockerfile, "Dockerfile");
  const broken = Buffer.from([0xff]);
  await assert.rejects(archiveOf(buildxFiles({ ...recordOf({ code: 2 }), externalError: described(broken, "x") }, [log, broken])), { code: "damaged" });
});

test("of several platforms each has its provenance, in our files as in buildx's", async () => {
  const predicates = ["amd64", "arm64"].map((name) => Buffer.from(JSON.stringify({ ...PREDICATE, name })));
  const attested = (predicate: Buffer): object => ({ Attestations: [described(predicate, "application/vnd.in-toto+json", { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1" })] });
  const [amd64 = Buffer.alloc(0), arm64 = Buffer.alloc(0)] = predicates;
  const [run] = await archiveOf(buildxFiles({ Ref: "a", CreatedAt: {}, CompletedAt: {}, Results: { "linux/amd64": attested(amd64), "linux/arm64": attested(arm64) } }, predicates));
  assert.deepEqual(run?.record.attachments.map(({ platform }) => platform), ["linux/amd64", "linux/arm64"]);
  assert.equal(run.record.materials.length, 1);
  // What came from buildx goes out again as it came.
  const again = await readArchive(writeArchive([run]));
  assert.deepEqual(again.map(({ record }) => record), [run.record]);
  const out = documents(await filesOf([run]));
  assert.deepEqual(out.open(out.named(out.open(out.top)["config"])[0])["Results"], { "linux/amd64": attested(amd64), "linux/arm64": attested(arm64) });
  const own = runOf("b");
  const split = { ...own, record: { ...own.record, attachments: own.record.attachments.map((attachment) => ({ ...attachment, platform: "linux/arm64" })) } };
  const { open, named, top } = documents(await filesOf([split]));
  const record = open(named(open(top)["config"])[0]);
  assert.deepEqual(Object.keys(record["Results"] ?? {}), ["linux/arm64"]);
  assert.deepEqual(Object.keys(record["Result"] ?? {}), ["ResultDeprecated", "Results"]);
});

test("a failure goes out as BuildKit's own does: with a number, and the place, the step and the status in a google.rpc.Status", async () => {
  const source = { filename: "Dockerfile", text: "FROM scratch\nRUN make\n", startLine: 2, endLine: 2 };
  const failure = { code: "step-failed", message: "failed to solve: exit code: 7", report: "", step: RUN, source, exitCode: 7 };
  const files = await filesOf([runOf("a", { status: "error", error: failure, image: null })]);
  const { open, named, top } = documents(files);
  const [config] = named(open(top)["config"]);
  const record = open(config);
  assert.deepEqual(record["error"], { code: 2, message: "exit code: 7" });
  const told = record["externalError"] as Readonly<Record<string, unknown>>;
  const blob = files.get(`blobs/${String(told["digest"]).replace(":", "/")}`) ?? Buffer.alloc(0);
  assert.deepEqual([told["media_type"], told["size"]], ["application/vnd.googeapis.google.rpc.status+proto", blob.byteLength]);
  const { code, message, details } = fromBinary(StatusSchema, blob);
  assert.deepEqual([code, message, ...details.map(({ typeUrl, value }) => [typeUrl, JSON.parse(Buffer.from(value).toString()) as unknown])], [
    2, "exit code: 7",
    ["github.com/moby/buildkit/errdefs.Source+json", { info: { filename: "Dockerfile", data: Buffer.from(source.text).toString("base64") }, ranges: [{ start: { line: 2 }, end: { line: 2 } }] }],
    ["github.com/moby/buildkit/errdefs.Vertex+json", { digest: RUN }], ["github.com/moby/buildkit/gatewayapi.ExitMessage+json", { Code: 7 }],
  ]);
  const layers = named(open(top)["layers"]);
  const [imported] = await archiveOf(buildxFiles(record, ["logs", "externalError"].map((member) => files.get(`blobs/${layers.find(({ digest }) => digest === (record[member] as Named).digest)?.digest.replace(":", "/")}`) ?? assert.fail())));
  assert.deepEqual([imported?.record.error?.step, imported?.record.error?.source], [RUN, source], "as if it were BuildKit's");
});

test("where the time went goes out as spans in BuildKit's form", async () => {
  const files = await filesOf([runOf("a", { status: "error", error: { code: "step-failed", message: "no", report: "" } })]);
  const { open, named, top } = documents(files);
  const trace = open(named(open(top)["config"])[0])["trace"] as Readonly<Record<string, unknown>>;
  assert.equal(trace["media_type"], "application/vnd.buildkit.otlp.json.v0");
  interface Stub {
    readonly Name: string;
    readonly SpanContext: { readonly TraceID: string; readonly SpanID: string };
    readonly Parent: { readonly SpanID: string };
    readonly StartTime: string;
    readonly EndTime: string;
    readonly Attributes: ReadonlyArray<{ readonly Key: string; readonly Value: { readonly Type: string; readonly Value: string } }>;
    readonly Status: { readonly Code: number; readonly Description: string };
  }
  const text = files.get(`blobs/${String(trace["digest"]).replace(":", "/")}`)?.toString("utf8") ?? "";
  const spans = text.trim().split(/(?<=^\})\n/m).map((each) => JSON.parse(each) as Stub);
  const [copy, run, build] = spans;
  assert.deepEqual(spans.map(({ Name, StartTime, EndTime, Status }) => [Name, StartTime, EndTime, Status.Code, Status.Description]), [
    ["COPY a /", "2026-01-01T00:00:01.25Z", "2026-01-01T00:00:01.25Z", 0, ""], ["RUN make", "2026-01-01T00:00:01.25Z", "2026-01-01T00:00:01.25Z", 0, ""],
    ["build app (<x>)", "2026-01-01T00:00:00.000000001Z", "2026-01-01T00:01:30Z", 1, "no"],
  ]);
  assert.deepEqual([copy, run, build].map((span) => span?.Parent.SpanID), [build?.SpanContext.SpanID, build?.SpanContext.SpanID, "0".repeat(16)]);
  assert.deepEqual(run?.Attributes[0], { Key: "vertex", Value: { Type: "STRING", Value: RUN } });
  assert.equal(new Set(spans.map(({ SpanContext }) => SpanContext.TraceID)).size, 1);
});

test("what is no file of records is refused with what to do", async () => {
  const read = async (bytes: Buffer): Promise<unknown> => await readArchive(bytesOf(bytes));
  await assert.rejects(read(Buffer.from("PK\x03\x04\x14\x00rest of a zip")), { code: "damaged", message: "this is a zip: unpack it, and import the .dockerbuild that is in it" });
  for (const bytes of [Buffer.from("hello\n"), Buffer.from("1f8b08", "hex"), Buffer.alloc(600, "x")]) await assert.rejects(read(bytes), { code: "damaged", message: /^this is no file of build records, as buildx and stemma write them: / });
  await assert.rejects(read(Buffer.alloc(0)), { code: "damaged", message: "the archive holds no record of a build" });
});

test("what is damaged, cut off, unended or no record of a build is refused as that", async () => {
  const whole = await filesOf([runOf("a")]);
  const changed = (digest: Digest | string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> => new Map([...whole, [`blobs/${digest.replace(":", "/")}`, bytes]]);
  const { open, named, top } = documents(whole);
  const broken: ReadonlyArray<ReadonlyMap<string, Uint8Array>> = [
    new Map(), new Map([["index.json", Buffer.from("{")]]), new Map([["index.json", Buffer.from('{"manifests":[null,{}]}')]]),
    new Map([...whole].filter(([path]) => path !== `blobs/${top?.digest.replace(":", "/")}`)),
    ...["a", null, { seconds: "x" }].map((CreatedAt) => buildxFiles({ Ref: "a", CreatedAt, CompletedAt: {}, FrontendAttrs: null }, [])),
    ...named(open(top)["layers"]).slice(3).map(({ digest }) => changed(digest, Buffer.from("x"))),
    buildxFiles({ Ref: "a", CreatedAt: { seconds: 1 } }, []), buildxFiles({ Ref: "../a", CreatedAt: {}, CompletedAt: {} }, []),
    ...[Buffer.from([9, 0, 0, 0, 1]), Buffer.from([1, 0]), Buffer.from([1, 0, 0, 0, 0xff])].map((log) => buildxFiles({ Ref: "a", CreatedAt: {}, CompletedAt: {}, logs: described(log, "x") }, [log])),
  ];
  for (const [position, files] of broken.entries()) await assert.rejects(archiveOf(files), (error) => error instanceof HistoryError && error.code === "damaged", String(position));
});
