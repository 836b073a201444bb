import { digestOf, type Digest } from "../content/digest.ts";
import type { LineMap } from "../provenance/line-map.ts";
import type { CommitRecord } from "../provenance/extension.ts";
import { fileSubjects, imageSubjects, type Subject } from "../provenance/subject.ts";
import type { RebuildRecord } from "../provenance/extension.ts";
import { requireMaterials, type ProvenanceInput } from "../provenance/predicate.ts";
import { predicateType, provenanceStatement, type StatementForm } from "../provenance/statement.ts";
import type { StepLayers } from "../provenance/source-map.ts";
import type { ProvenancePlan } from "../provenance/params.ts";
import { platformImages } from "../provenance/platform-images.ts";
import type { LookedAt } from "./bridge-reference.ts";
import { captureGraph } from "./capture-graph.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { CompiledPlatform } from "./compiled.ts";
import type { LayerDescriptors, PlatformResult } from "./platform-result.ts";
import { provenanceInput, type RecordParts } from "./record.ts";
import { invocationOf, recordRun, type RecordRun } from "./record-run.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";
import { evidenceStatements, type Evidence, type EvidenceTarget, type SaidEvidence } from "./evidence.ts";
import { lineMap } from "./line-map.ts";
import { pathOrigins } from "./result-evidence.ts";
import { tellFindings, type Finding } from "./secret-findings.ts";
import { stepLayers } from "./step-layers.ts";
import type { Redaction } from "../scrub/scrubber.ts";
import type { ScrubbedBuild } from "./without-secrets.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { Statement } from "../export/statement.ts";
import type { Platform } from "../oci/platform.ts";

/** The version of the Dockerfile frontend whose language and LLB ours is equal to. */
const DOCKERFILE_VERSION = "1.26.0";
/** BuildKit's number for the behaviour of 0.31 and later: OCI media types, attestations as artifacts. */
const COMPATIBILITY_VERSION = 30;

export interface SolvedBuild {
  readonly plan: BuildPlan;
  readonly compiled: ScrubbedBuild;
  readonly solved: SolvedGraphs;
  readonly commit: CommitRecord | undefined;
  /** For each platform, what is said of it beside its provenance. */
  readonly evidence: ReadonlyArray<readonly Evidence[]>;
  /** What a second build said to it; undefined where there was none. */
  readonly rebuild: RebuildRecord | undefined;
}

/** A statement about the result of one platform. */
export interface PlatformStatement extends Statement {
  readonly platform: Platform;
}

/** Results that can speak for themselves, and what they are made of. */
export interface AttestedResults {
  readonly results: readonly PlatformResult[];
  readonly parts: readonly AttestedPart[];
  /** The statements that were made so far, by digest: they are made when their subjects are known. */
  readonly statements: ReadonlyMap<Digest, PlatformStatement>;
  /** True where something is said beside the provenance. */
  readonly hasEvidence: boolean;
}

export interface AttestedPart {
  readonly platform: CompiledPlatform;
  readonly record: RecordParts;
  /** The layers of its steps, where an image has these. */
  readonly layers: (image: LayerDescriptors) => Promise<readonly StepLayers[]>;
}

/** Everything that a statement will say is settled here, before anything is published. */
export async function attestedResults({ plan, compiled, solved, commit, evidence, rebuild }: SolvedBuild, means: BuildMeans, signal: AbortSignal): Promise<AttestedResults> {
  const { engine, services } = means;
  const invocation = { id: means.id, startedNs: means.startedNs, finishedNs: means.publish.clock.nowNs() };
  const environment = { builderPlatform: services.platform, dockerfileVersion: DOCKERFILE_VERSION, compatibilityVersion: COMPATIBILITY_VERSION, custom: means.custom };
  const sources = { solved, pins: services.pins, frontend: { pins: compiled.frontend.pins, images: services.resolved, looked: lookedBeside({ compiled, solved }, services.looked), containers: services.containers }, facts: engine.state.facts, isProxied: services.proxies !== undefined };
  const usage = means.machineUsage && { steps: services.usage ?? new Map(), system: await means.machineUsage.finish() };
  const parts = await Promise.all(compiled.platforms.map(async (platform, i) => {
    const graph = solved.graphs[i] ?? { vertices: new Map(), head: undefined };
    const all = await captureGraph(graph, sources);
    const capture = { ...all, images: platformImages(all.images, platform.platform, compiled.platforms.map((each) => each.platform)) };
    if (plan.provenance !== undefined) requireMaterials(plan.provenance, capture);
    const layers = (image: LayerDescriptors): Promise<readonly StepLayers[]> => stepLayers(graph, solved, image);
    return { platform, graph, layers, record: { definition: platform.definition, capture, asked: platform.asked, rootAttributes: compiled.rootAttributes, invocation, environment, usage, commit, rebuild, policies: services.gate.files, newScrubber: platform.newScrubber, imageRedactions: platform.imageRedactions } };
  }));
  const run = recordRun({ plan, compiled, records: parts.map(({ record }) => record), database: engine.state.database });
  const statements = new Map<Digest, PlatformStatement>();
  const results = parts.map((part, i) => platformResult({ ...part, plan, solved, run, statements, chain: solved.chains[i] ?? [], evidence: evidence[i] ?? [] }, means, signal));
  return { results, parts, statements, hasEvidence: evidence.some((said) => said.length > 0) };
}

/**
 * What frontends saw beside what the build came to: a result of one platform is no input of another's, and what is said of a result none of the
 * result's.
 */
function lookedBeside({ compiled, solved }: Pick<SolvedBuild, "compiled" | "solved">, looked: readonly LookedAt[]): readonly LookedAt[] {
  const said = new Set(compiled.platforms.flatMap(({ attestations }) => attestations.map(({ reference }) => reference?.definition)));
  const results = new Set(solved.graphs.flatMap(({ head }) => (head === undefined ? [] : [`${head.digest}:${head.index}`])));
  return looked.filter(({ definition, solved: { graphs: [graph] } }) => !said.has(definition) && !results.has(`${graph?.head?.digest}:${graph?.head?.index}`));
}

interface ResultParts extends AttestedPart {
  readonly plan: BuildPlan;
  readonly graph: LlbGraph;
  readonly solved: SolvedGraphs;
  readonly chain: LayerChain;
  readonly evidence: readonly Evidence[];
  readonly run: RecordRun;
  /** Takes in what is made. */
  readonly statements: Map<Digest, PlatformStatement>;
}

function platformResult({ plan, platform, graph, record, layers, solved, chain, evidence, run, statements }: ResultParts, means: BuildMeans, signal: AbortSignal): PlatformResult {
  const say = async (target: Omit<EvidenceTarget, "originOf" | "scrubber">, descriptors: LayerDescriptors): Promise<Statement[]> => {
    if (evidence.length === 0) return [];
    const originOf = (await pathOrigins({ graph, definition: platform.definition, chain, solved }, signal))(descriptors);
    return publishable(await evidenceStatements(evidence, { ...target, originOf, newScrubber: record.newScrubber }, signal), plan, means);
  };
  const noted = (made: Statement[]): Statement[] => {
    for (const statement of made) statements.set(digestOf(statement.bytes), { ...statement, platform: platform.platform });
    return made;
  };
  return {
    platform: platform.platform,
    config: platform.config,
    chain,
    async attestImage({ names, manifest, manifests, attestInline }, descriptors) {
      const subjects = imageSubjects(names, platform.platform, manifest.digest);
      const said = await say({ kind: "image", name: names[0] ?? "image", subjects }, descriptors);
      const provenance = provenanceFor(plan, attestInline);
      const made = attest(provenance, { record, layers: await layers(descriptors), subjects, form: "compact", run, about: manifests }, means);
      const mapped = provenance?.mode === "min" && plan.lineMap ? [await lineMap({ graph, definition: platform.definition, chain, solved, commit: mappedCommit(record.commit), pins: means.services.pins }, descriptors, subjects)] : [];
      return noted([...said, ...made, ...mapped]);
    },
    async attestFiles(files) {
      const subjects = fileSubjects(files);
      return noted([...(await say({ kind: "directory", name: "result", subjects }, new Map())), ...attest(provenanceFor(plan, false), { record: { ...record, imageRedactions: [] }, layers: [], subjects, form: "indented", run, about: files.map(({ digest }) => digest) }, means)]);
    },
  };
}

/** Tells what was masked in documents about the result. Throws BuildError ("secret") where that is to be refused. */
function publishable(said: readonly SaidEvidence[], plan: BuildPlan, { report }: BuildMeans): Statement[] {
  const leaky = said.filter(({ redactions }) => redactions.length > 0).map(({ statement, redactions }) => ({ file: statement.filename, masked: listed(redactions) }));
  const findings = leaky.map(({ file, masked }): Finding => ({ rule: "SecretInProvenance", message: `${file} would hold a secret: ${masked}`, location: [] }));
  tellFindings(findings, undefined, plan, report);
  for (const { file, masked } of leaky) report({ kind: "notice", message: `${file}: masked ${masked}` });
  return said.map(({ statement }) => statement);
}

function mappedCommit(record: CommitRecord | undefined): LineMap["commit"] {
  return record?.commit === undefined ? undefined : { commit: record.commit, verified: record.kind === "equal" };
}

/** A provenance that is only for images (`inline-only=true`) goes nowhere else. */
function provenanceFor({ provenance }: BuildPlan, attestInline: boolean): ProvenancePlan | undefined {
  return provenance?.inlineOnly === true && !attestInline ? undefined : provenance;
}

/** `secret variable in build-arg:TOKEN and step3, token in Dockerfile:7`. */
function listed(redactions: readonly Redaction[]): string {
  const places = Map.groupBy(redactions, ({ kind }) => kind);
  return [...places].map(([kind, found]) => `${kind.replaceAll("-", " ")} in ${[...new Set(found.map(({ place }) => place))].join(", ")}`).join("; ");
}

interface Attestation {
  readonly record: RecordParts;
  readonly layers: readonly StepLayers[];
  readonly subjects: readonly Subject[];
  readonly form: StatementForm["form"];
  readonly run: RecordRun;
  /** See AboutRun. */
  readonly about: readonly Digest[];
}

function attest(provenance: ProvenancePlan | undefined, { record, layers, subjects, form: shape, run, about }: Attestation, means: BuildMeans): Statement[] {
  if (provenance === undefined) return [];
  const input: ProvenanceInput = provenanceInput(provenance, record, layers);
  const form = { subjects, form: shape };
  const invocation = invocationOf({ input, form, about }, run);
  const bytes = provenanceStatement({ ...input, invocation }, form);
  const { redactions } = input.scrubber;
  if (redactions.length > 0) means.report({ kind: "notice", message: `provenance: masked ${listed(redactions)}` });
  return [{ predicateType: predicateType(provenance.version), bytes, filename: provenance.filename }];
}
