import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { parseDigest, type Digest } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import { LocationsSchema, OpSchema, type Op } from "../llb/op.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { parsePlatform, type Platform } from "../oci/platform.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { EMPTY_CAPTURE, execCapture, mergeCaptures, type Capture, type ImageCapture } from "./capture.ts";
import type { ProvenanceInput } from "./predicate.ts";
import type { StepLayers, BuildRecord } from "./source-map.ts";
import type { StepGraph } from "./steps.ts";

/** A step as a record has it. */
interface RecordedStep {
  readonly id: string;
  readonly op: JsonValue;
  readonly inputs?: readonly string[];
}

interface RecordedSteps {
  readonly llbDefinition?: readonly RecordedStep[];
  readonly digestMapping?: Readonly<Record<string, string>>;
}

interface RecordedRequest {
  readonly frontend?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly secrets?: ReadonlyArray<{ readonly id: string; readonly optional?: boolean }>;
  readonly ssh?: ReadonlyArray<{ readonly id: string; readonly optional?: boolean }>;
  readonly locals?: ReadonlyArray<{ readonly name: string }>;
  readonly root?: { readonly request: RecordedRequest };
  readonly compatibilityVersion: number;
}

/** BuildKit's record of one build, of whichever version of SLSA, in one form. */
export interface Recorded {
  readonly version: "v1" | "v0.2";
  readonly materials: ReadonlyArray<{ readonly uri: string; readonly digest: Readonly<Record<string, string>> }>;
  readonly dockerfile: string | undefined;
  readonly request: RecordedRequest;
  readonly steps: RecordedSteps | undefined;
  readonly platform: string;
  readonly dockerfileVersion: string | undefined;
  readonly invocation: { readonly id: string; readonly startedOn: string; readonly finishedOn: string };
  readonly requestComplete: boolean;
  readonly reproducible: boolean;
  readonly metadata: {
    readonly source?: { readonly locations: Readonly<Record<string, JsonValue>>; readonly infos: ReadonlyArray<RecordedSteps & { readonly filename: string; readonly language: string; readonly data: string }> };
    readonly layers?: Readonly<Record<string, ReadonlyArray<readonly Descriptor[]>>>;
  };
}

const HOST: Platform = { os: "linux", architecture: "amd64" };

/**
 * The input that must give the record again. Secrets, networks and local files are taken from the steps where the
 * record has steps, so that the rules which derive them are tried too; images come twice, by tag and as they were used.
 */
export function inputOf(recorded: Recorded): ProvenanceInput {
  const build = recorded.steps === undefined ? undefined : buildOf(recorded, recorded.steps);
  const hidden = optionsNotTold(recorded);
  const root = recorded.request.root?.request.args ?? {};
  const vcs = Object.fromEntries(Object.entries(root).filter(([key]) => key.startsWith("vcs:")));
  const request = { frontend: recorded.request.frontend ?? "", args: { ...recorded.request.args, ...vcs, ...hidden }, inputs: new Map() };
  return {
    plan: {
      mode: recorded.steps === undefined ? "min" : "max", version: recorded.version, builder: { id: "", basis: "none" }, filename: "provenance.json",
      reproducible: recorded.reproducible, inlineOnly: false, completeMaterials: false, captureUsage: false,
    },
    capture: captureOf(recorded, build),
    request,
    // A client without a root of its own asked the frontend itself.
    rootRequest: recorded.request.root === undefined ? request : { frontend: "", args: { ...root, ...hidden }, inputs: new Map() },
    build,
    layers: layersOf(recorded),
    invocation: { id: recorded.invocation.id, startedNs: parseRfc3339(recorded.invocation.startedOn), finishedNs: parseRfc3339(recorded.invocation.finishedOn) },
    environment: { builderPlatform: parsePlatform(recorded.platform, HOST), dockerfileVersion: recorded.dockerfileVersion ?? "", compatibilityVersion: recorded.request.compatibilityVersion, custom: {} },
    usage: undefined,
    commit: undefined,
    rebuild: undefined,
    policies: [],
    scrubber: new Scrubber(),
    imageRedactions: [],
  };
}

/** Options that were there and that the record must not tell, and those that it tells in another place. */
function optionsNotTold({ dockerfile, requestComplete, steps }: Recorded): Record<string, string> {
  return {
    ...(dockerfile === undefined ? {} : { filename: dockerfile }),
    ...(steps === undefined && !requestComplete ? { "build-arg:X": "private", "label:private": "x" } : {}),
    "attest:provenance": "mode=max",
    platform: "linux/amd64",
    "cgroup-parent": "/x",
    "image-resolve-mode": "pull",
    "cache-imports": "[]",
  };
}

function captureOf(recorded: Recorded, build: BuildRecord | undefined): Capture {
  // The frontend itself reads from the context: its ignore file.
  const locals = (recorded.request.locals ?? []).map(({ name }) => ({ name, digest: undefined }));
  const resolved: Capture = { ...EMPTY_CAPTURE, images: recorded.materials.map(imageOf), locals };
  if (build === undefined) return { ...resolved, secrets: (recorded.request.secrets ?? []).map(({ id, optional }) => ({ id, optional: optional ?? false })) };
  const graphs = [build.graph, ...build.files.map(({ graph }) => graph)].filter((graph) => graph !== undefined);
  const ops = graphs.flatMap(({ vertices }) => [...vertices.values()].map(({ op }) => op));
  return mergeCaptures([...ops.map(opCapture), resolved, ...ops.map(opCapture)]);
}

function opCapture(op: Op): Capture {
  if (op.op.case === "exec") return execCapture(op.op.value, undefined);
  if (op.op.case !== "source") return EMPTY_CAPTURE;
  const { identifier } = op.op.value;
  if (identifier.startsWith("local://")) return { ...EMPTY_CAPTURE, locals: [{ name: identifier.slice("local://".length), digest: undefined }] };
  const ref = identifier.slice("docker-image://".length);
  const platform = op.platform === undefined ? undefined : { os: op.platform.OS, architecture: op.platform.Architecture };
  return { ...EMPTY_CAPTURE, images: [{ ref, platform, digest: parseDigest(ref.slice(ref.indexOf("@") + 1)), layout: false }] };
}

function imageOf({ uri, digest }: Recorded["materials"][number]): ImageCapture {
  const match = /^pkg:docker\/(?<name>[^@]+)@(?<tag>[^?]+)(?:\?platform=(?<platform>.+))?$/.exec(uri);
  if (match?.groups === undefined) throw new Error(`a material of another kind: ${uri}`);
  const { name = "", tag = "", platform } = match.groups;
  const familiar = decodeURIComponent(name);
  const path = familiar.includes(":") ? familiar : `docker.io/${familiar.includes("/") ? familiar : `library/${familiar}`}`;
  return { ref: `${path}:${tag}`, platform: platform === undefined ? undefined : parsePlatform(decodeURIComponent(platform), HOST), digest: parseDigest(`sha256:${digest["sha256"]}`), layout: false };
}

function buildOf({ metadata }: Recorded, steps: RecordedSteps): BuildRecord {
  const digests = digestsOf(steps);
  return {
    graph: graphOf(steps),
    locations: new Map(Object.entries(metadata.source?.locations ?? {}).map(([id, locations]) => [digests.get(id) as Digest, fromJson(LocationsSchema, locations)])),
    files: (metadata.source?.infos ?? []).map((info) => ({ filename: info.filename, language: info.language, data: Buffer.from(info.data, "base64"), graph: graphOf(info) })),
  };
}

function layersOf({ metadata, steps }: Recorded): readonly StepLayers[] {
  const digests = digestsOf(steps ?? {});
  return Object.entries(metadata.layers ?? {}).map(([key, chains]) => {
    const [id = "", output] = key.split(":");
    return { vertex: digests.get(id) as Digest, output: Number(output), chains };
  });
}

/** The digests are the record's own: what it was computed from has ids of that one run, which the record leaves out. */
function graphOf(steps: RecordedSteps): StepGraph {
  const digests = digestsOf(steps);
  const edge = (input: string): { digest: Digest; index: number } => {
    const [id = "", index] = input.split(":");
    return { digest: digests.get(id) as Digest, index: Number(index) };
  };
  const recorded = steps.llbDefinition ?? [];
  const vertices = new Map(recorded.slice(0, -1).map(({ id, op, inputs = [] }) => [digests.get(id) as Digest, { op: opOf(op), inputs: inputs.map(edge) }]));
  const last = recorded.at(-1);
  return { vertices, head: last?.inputs?.[0] === undefined ? undefined : { digest: digests.get(last.id) as Digest, input: edge(last.inputs[0]) } };
}

function digestsOf({ digestMapping }: RecordedSteps): ReadonlyMap<string, Digest> {
  return new Map(Object.entries(digestMapping ?? {}).map(([digest, id]) => [id, parseDigest(digest)]));
}

/** Go's JSON of an op is protobuf's but for the wrappers of oneofs. With the ids of a run, which must not come out again. */
function opOf(json: JsonValue): Op {
  const op = fromJson(OpSchema, unwrapped(json));
  if (op.op.case === "source" && op.op.value.identifier.startsWith("local://")) op.op.value.attrs = { ...op.op.value.attrs, "local.session": "id-of-a-session", "local.unique": "id" };
  return op;
}

function unwrapped(json: JsonValue): JsonValue {
  if (Array.isArray(json)) return json.map(unwrapped);
  if (typeof json !== "object" || json === null) return json;
  return Object.fromEntries(Object.entries(json).flatMap(([key, value]) => {
    const inner = unwrapped(value);
    if (key === "Op" || key === "Action" || key === "User") return Object.entries(inner as Record<string, JsonValue>);
    return [[key === "byId" ? "byID" : key, inner]];
  }));
}
