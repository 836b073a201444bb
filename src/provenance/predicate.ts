import { rfc3339Nano } from "../content/timestamp.ts";
import type { Digest } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import { formatPlatform, normalizePlatform } from "../oci/platform.ts";
import type { Redaction, Scrubber } from "../scrub/scrubber.ts";
import { settledCapture, type Capture, type LentCapture } from "./capture.ts";
import { completenessOf, incompleteMaterials, type Completeness } from "./completeness.ts";
import { commitMaterial, extensionJson, type Findings } from "./extension.ts";
import { nonEmptyList, type JsonObject } from "./json-tree.ts";
import { materialsOf, type Material } from "./materials.ts";
import { minRequest } from "./min.ts";
import type { ProvenancePlan } from "./params.ts";
import { learnNamed } from "./learn-named.ts";
import { argsJson, distinctRoot, inputsJson, learnRequest, nestedRequestJson, requestRecord, vcsOf, withoutVcs, type ConfigSource, type FrontendRequest, type RequestRecord } from "./request.ts";
import { learnOp } from "./learn-op.ts";
import { layersJson, sourceJson, type BuildRecord, type StepLayers } from "./source-map.ts";
import { numberSteps, stepsJson } from "./steps.ts";

/** All that a record is made of. One for each platform of a build. */
export interface ProvenanceInput extends Findings {
  readonly plan: ProvenancePlan;
  readonly capture: Capture;
  /** What the frontend was asked. */
  readonly request: FrontendRequest;
  /** What the client asked for at first, `vcs:` options included. */
  readonly rootRequest: FrontendRequest;
  /** Undefined for an empty result; not looked at for `mode=min`. */
  readonly build: BuildRecord | undefined;
  readonly layers: readonly StepLayers[];
  readonly invocation: Invocation;
  readonly environment: BuildEnvironment;
  /** Undefined: not measured, or not asked for. */
  readonly usage: MeasuredUsage | undefined;
  /** Masks what must not be published, and tells afterwards what it masked. A new one for each record. */
  readonly scrubber: Scrubber;
  /** What was masked of the image that the record is about. */
  readonly imageRedactions: readonly Redaction[];
}

export interface Invocation {
  readonly id: string;
  /** Nanoseconds since the epoch. */
  readonly startedNs: bigint;
  readonly finishedNs: bigint;
}

/** What a build used, in the form of BuildKit's samples. */
export interface MeasuredUsage {
  /** By the digest of the operation, of those that ran and were measured. */
  readonly steps: ReadonlyMap<Digest, JsonObject>;
  /** Of the whole machine. */
  readonly system: readonly JsonObject[];
}

export interface BuildEnvironment {
  /** Of the machine that builds. */
  readonly builderPlatform: Platform;
  /** Of our Dockerfile frontend; told only when that frontend was asked. */
  readonly dockerfileVersion: string;
  /** Whose behaviour the build has, in BuildKit's counting: 30 is that of 0.31 and later. */
  readonly compatibilityVersion: number;
  /** Members that the operator adds to the record. */
  readonly custom: JsonObject;
}

/** The record before it takes the shape of one version of SLSA. */
export interface Predicate {
  readonly builderId: string;
  readonly materials: readonly Material[];
  readonly configSource: ConfigSource;
  readonly request: JsonObject;
  /** Steps: `mode=max` only. */
  readonly buildConfig: JsonObject | undefined;
  readonly builderPlatform: string;
  readonly dockerfileVersion: string | undefined;
  readonly custom: JsonObject;
  readonly invocationId: string;
  readonly startedOn: string;
  readonly finishedOn: string;
  readonly completeness: Completeness;
  readonly reproducible: boolean;
  readonly buildkitMetadata: JsonObject;
  readonly extension: JsonObject;
}

/** `complete-materials=true` was asked for, and something could not be captured. */
export class IncompleteMaterialsError extends Error {
  override readonly name = "IncompleteMaterialsError";
  readonly code = "verification";
  readonly retryable = false;
}

/** With all its secrets: scrub-statement.ts comes after it. Throws IncompleteMaterialsError, and InvalidReferenceError for an image whose name is none. */
export function makePredicate(input: ProvenanceInput): Predicate {
  learnSecrets(input);
  const { plan, environment, invocation } = input;
  const capture = settledCapture(input.capture);
  requireMaterials(plan, capture);
  const asked = requestRecord(input.request, capture);
  const askedFirst = requestRecord(input.rootRequest, capture);
  const root = distinctRoot(askedFirst, asked);
  const vcs = vcsOf(asked) ?? vcsOf(askedFirst);
  const { request, scrubbed } = scrubbedRequest(plan, { request: withoutVcs(asked), root });
  const steps = plan.mode === "max" ? stepRecord(input) : { buildConfig: undefined, source: undefined, layers: undefined };
  return {
    builderId: plan.builder.id,
    materials: [...materialsOf(capture), ...commitMaterial(input.commit, typeof vcs?.["source"] === "string" ? vcs["source"] : undefined)],
    configSource: asked.configSource,
    request: requestJson(request, { capture, plan, compatibilityVersion: environment.compatibilityVersion }),
    buildConfig: steps.buildConfig,
    builderPlatform: formatPlatform(normalizePlatform(environment.builderPlatform)),
    dockerfileVersion: asked.frontend === "dockerfile.v0" ? environment.dockerfileVersion : undefined,
    custom: environment.custom,
    invocationId: invocation.id,
    startedOn: rfc3339Nano(invocation.startedNs),
    finishedOn: rfc3339Nano(invocation.finishedNs),
    completeness: completenessOf(capture, { frontend: asked.frontend, scrubbed }),
    reproducible: plan.reproducible,
    buildkitMetadata: { vcs, source: steps.source, layers: steps.layers, sysUsage: nonEmptyList(input.usage?.system ?? []), network: networkJson(capture, plan) },
    extension: extensionJson(capture, input),
  };
}

/** Throws IncompleteMaterialsError; to be asked before anything is published. */
export function requireMaterials({ completeMaterials }: ProvenancePlan, capture: Capture): void {
  const missing = completeMaterials ? incompleteMaterials(settledCapture(capture)) : undefined;
  if (missing !== undefined) throw new IncompleteMaterialsError(missing);
}

/** A secret may stand in the request and be used in a step, so all are learnt before the first text is scrubbed. */
function learnSecrets({ request, rootRequest, build, environment, scrubber }: ProvenanceInput): void {
  learnNamed("", environment.custom, scrubber);
  learnRequest(request, scrubber);
  learnRequest(rootRequest, scrubber);
  for (const { op } of build?.graph.vertices.values() ?? []) learnOp(op, scrubber);
  for (const { data } of build?.files ?? []) scrubber.learnDockerfile(Buffer.from(data).toString("utf8"));
}

interface RequestPair {
  readonly request: RequestRecord;
  readonly root: RequestRecord | undefined;
}

function scrubbedRequest({ mode }: ProvenancePlan, pair: RequestPair): { readonly request: RequestPair; readonly scrubbed: boolean } {
  if (mode === "max") return { request: pair, scrubbed: false };
  const request = minRequest(pair.request);
  const root = pair.root === undefined ? undefined : minRequest(pair.root);
  return { request: { request: request.request, root: root?.request }, scrubbed: request.scrubbed || root?.scrubbed === true };
}

function requestJson({ request, root }: RequestPair, { capture, plan, compatibilityVersion }: { readonly capture: Capture; readonly plan: ProvenancePlan; readonly compatibilityVersion: number }): JsonObject {
  const lent = plan.mode === "max" ? capture : { secrets: [], ssh: [] };
  return {
    frontend: nonEmptyText(request.frontend),
    args: argsJson(request.args),
    ...lentJson(lent),
    locals: nonEmptyList([...new Set(capture.locals.map(({ name }) => name))].map((name) => ({ name }))),
    inputs: inputsJson(request.inputs),
    root: root === undefined ? undefined : nestedRequestJson(root),
    compatibilityVersion: compatibilityVersion === 0 ? undefined : compatibilityVersion,
  };
}

/** Ids of what the client was asked to lend; `mode=min` has none of them. */
export function lentJson({ secrets, ssh }: Pick<Capture, "secrets" | "ssh">): JsonObject {
  const json = ({ id, optional }: LentCapture): JsonObject => ({ id, optional: optional ? true : undefined });
  return { secrets: nonEmptyList(secrets.map(json)), ssh: nonEmptyList(ssh.map(json)) };
}

/** BuildKit's `network`, only of builds with a proxy. The command of a step is no word of `mode=min`. */
function networkJson({ runs, requests }: Capture, { mode }: ProvenancePlan): JsonObject | undefined {
  if (!runs.some(({ network }) => network === "proxy")) return undefined;
  const incomplete = requests.map(({ op, name, method, url, reason }) => ({ op, name: mode === "max" && name !== "" ? name : undefined, method, uri: url, reason }));
  return { mode: "proxy", proxy: incomplete.length === 0 ? undefined : { incomplete } };
}

function nonEmptyText(text: string): string | undefined {
  return text === "" ? undefined : text;
}

interface StepRecord {
  readonly buildConfig: JsonObject;
  readonly source: JsonObject | undefined;
  readonly layers: JsonObject | undefined;
}

function stepRecord({ build, layers, usage }: ProvenanceInput): StepRecord {
  if (build === undefined) return { buildConfig: {}, source: undefined, layers: undefined };
  const numbers = numberSteps(build.graph);
  return {
    buildConfig: { ...stepsJson(build.graph, numbers, usage?.steps) },
    source: sourceJson(build, numbers),
    layers: layersJson(layers, numbers),
  };
}
