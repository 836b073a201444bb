import { fileSubjects, imageSubjects, type Subject } from "../provenance/subject.ts";
import type { ProvenanceInput } from "../provenance/predicate.ts";
import type { StatementForm } from "../provenance/statement.ts";
import type { StepLayers } from "../provenance/source-map.ts";
import type { ProvenancePlan } from "../provenance/params.ts";
import { platformImages } from "../provenance/platform-images.ts";
import { captureGraph } from "./capture-graph.ts";
import { checkCommit } from "./check-commit.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { Compiled, CompiledPlatform } from "./compiled.ts";
import { directoryPaths } from "./directories.ts";
import type { PlatformResult } from "./publish.ts";
import { provenanceInput, settledStatement, type RecordParts } from "./record.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";
import { stepLayers } from "./step-layers.ts";
import type { Statement } from "../export/statement.ts";

/** The version of the Dockerfile frontend whose language and LLB ours is equal to. */
const DOCKERFILE_VERSION = "1.26.0";
/** BuildKit's number for the behaviour of 0.31 and later: OCI media types, attestations as artifacts. */
const COMPATIBILITY_VERSION = 30;

export interface SolvedBuild {
  readonly plan: BuildPlan;
  readonly compiled: Compiled;
  readonly solved: SolvedGraphs;
}

/** Results that can speak for themselves, and what they are made of. */
export interface AttestedResults {
  readonly results: readonly PlatformResult[];
  readonly parts: ReadonlyArray<{ readonly platform: CompiledPlatform; readonly record: RecordParts }>;
}

/** Everything that a statement will say is settled here, before anything is published. */
export async function attestedResults({ plan, compiled, solved }: SolvedBuild, means: BuildMeans, signal: AbortSignal): Promise<AttestedResults> {
  const { engine, services } = means;
  const commit = means.git && (await checkCommit({ facts: means.git, locals: services.locals.done, directories: directoryPaths(plan), database: engine.state.database, env: means.env }, signal));
  const invocation = { id: means.id, startedNs: means.startedNs, finishedNs: means.publish.clock.nowNs() };
  const environment = { builderPlatform: services.platform, dockerfileVersion: DOCKERFILE_VERSION, compatibilityVersion: COMPATIBILITY_VERSION, custom: {} };
  const sources = { solved, pins: services.pins, frontend: compiled.frontend, facts: engine.state.facts };
  const parts = await Promise.all(compiled.platforms.map(async (platform, i) => {
    const graph = solved.graphs[i] ?? { vertices: new Map(), head: undefined };
    const all = await captureGraph(graph, sources);
    const capture = { ...all, images: platformImages(all.images, platform.platform, compiled.platforms.map((each) => each.platform)) };
    return { platform, graph, record: { definition: platform.definition, capture, frontend: compiled.frontendName, attributes: compiled.attributes, rootAttributes: compiled.rootAttributes, invocation, environment, commit } };
  }));
  const results = parts.map(({ platform, graph, record }, i): PlatformResult => ({
    platform: platform.platform,
    config: platform.config,
    chain: solved.chains[i] ?? [],
    attestImage: async ({ names, manifest }, descriptors) => {
      const subjects = imageSubjects(names, platform.platform, manifest.digest);
      return attest(plan.provenance, { record, layers: await stepLayers(graph, solved, descriptors), subjects, form: "compact" }, means);
    },
    attestFiles: (files) => (plan.provenance?.inlineOnly === true ? [] : attest(plan.provenance, { record, layers: [], subjects: fileSubjects(files), form: "indented" }, means)),
  }));
  return { results, parts };
}

interface Attestation {
  readonly record: RecordParts;
  readonly layers: readonly StepLayers[];
  readonly subjects: readonly Subject[];
  readonly form: StatementForm["form"];
}

function attest(provenance: ProvenancePlan | undefined, { record, layers, subjects, form }: Attestation, means: BuildMeans): Statement[] {
  if (provenance === undefined) return [];
  const input: ProvenanceInput = provenanceInput(provenance, record, layers);
  const statement = settledStatement(input, { subjects, form }, means.engine.state.database);
  for (const { kind, place, name } of input.scrubber.redactions) {
    means.report({ kind: "notice", message: `provenance: masked ${kind.replaceAll("-", " ")} in ${place}${name === undefined ? "" : ` (${name})`}` });
  }
  return [statement];
}
