import { readFileSync } from "node:fs";
import { parseRfc3339 } from "../content/timestamp.ts";
import { findPackageJson } from "../host/package-json.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { Definition } from "../llb/definition.ts";
import { formatAllPlatform, formatPlatform } from "../oci/platform.ts";
import type { Origin } from "../sbom/document.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { originOf } from "../snapshot/image-layer.ts";
import { Tree } from "../snapshot/tree.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { Compiled, CompiledPlatform } from "./compiled.ts";
import type { Evidence } from "./evidence.ts";
import { frontendEvidence } from "./frontend-evidence.ts";
import { engineGateway } from "./gateway.ts";
import { generatedSbom } from "./generated-sbom.ts";
import { layerSteps } from "./layer-steps.ts";
import type { LayerDescriptors } from "./platform-result.ts";
import type { ScanSubject } from "./scanned-sbom.ts";
import { solveGraphs, type SolvedGraphs } from "./solve-graphs.ts";

export interface SolvedResult {
  readonly plan: BuildPlan;
  readonly compiled: Compiled;
  readonly solved: SolvedGraphs;
}

const SPDX = "https://spdx.dev/Document";

/** For each platform, what is said of it beside its provenance. Throws FrontendFailure and VertexError. */
export async function resultEvidence({ plan, compiled, solved }: SolvedResult, means: BuildMeans, signal: AbortSignal): Promise<ReadonlyArray<readonly Evidence[]>> {
  return await Promise.all(compiled.platforms.map(async (platform, i) => {
    const said = await frontendEvidence(platform.attestations, means, signal);
    // A frontend that has scanned already knows better what it made.
    if (plan.sbom === undefined || said.some(({ predicateType }) => predicateType === SPDX)) return said;
    return [...said, ...(await sbomOf({ plan, platform, chain: solved.chains[i] ?? [], epochSeconds: compiled.epochSeconds }, means, signal))];
  }));
}

interface Subject {
  readonly plan: BuildPlan;
  readonly platform: CompiledPlatform;
  readonly chain: LayerChain;
  readonly epochSeconds: bigint | undefined;
}

async function sbomOf(subject: Subject, means: BuildMeans, signal: AbortSignal): Promise<readonly Evidence[]> {
  const { plan, platform } = subject;
  const tool = { name: "stemma", version: packageVersion() };
  const shown = formatAllPlatform(platform.platform);
  if (plan.sbom?.generator !== undefined) {
    const { generator, params } = plan.sbom;
    const { definition, scanExtras, ignoresCache } = platform;
    const request = { generator, params, platform: shown, core: definition, extras: scanExtras, ignoreCache: ignoresCache, tool: `${tool.name}-${tool.version}` };
    return await generatedSbom(request, { means, gateway: engineGateway(means, () => undefined) }, signal);
  }
  const formats = plan.sbom?.formats ?? [];
  if (formats.length === 0) return [];
  // The scanner and its tables of licences take 25 ms to load.
  const { scannedSbom } = await import("./scanned-sbom.ts");
  const scan = { database: means.engine.state.database, steps: means.services.steps, report: means.report, tool };
  return (await scanSubjects(subject, means, signal)).flatMap((each) => scannedSbom(each, formatPlatform(platform.platform), formats, scan));
}

/** The result, then what else was asked for. */
async function scanSubjects({ platform, chain, epochSeconds }: Subject, means: BuildMeans, signal: AbortSignal): Promise<readonly ScanSubject[]> {
  const extras = [...platform.scanExtras];
  const { chains } = await solveGraphs(extras.map(([, definition]) => definition), means, signal);
  const created = createdAt({ chain, config: platform.config, epochSeconds }, means);
  const extra = await Promise.all(extras.map(async ([name], i) => ({ name: `sbom-${name}`, tree: await Tree.open(chains[i] ?? [], signal), created })));
  return [{ name: "sbom", tree: await Tree.open(chain, signal), created }, ...extra];
}

/** When what is described came to be: of equal results the same, whenever they are described. */
function createdAt({ chain, config, epochSeconds }: { readonly chain: LayerChain; readonly config: Uint8Array; readonly epochSeconds: bigint | undefined }, { engine: { state } }: BuildMeans): Date {
  if (epochSeconds !== undefined) return new Date(Number(epochSeconds) * 1000);
  const made = chain.flatMap(({ id }) => state.facts.createdNs(id) ?? []);
  const newest = made.length > 0 ? made.reduce((a, b) => (a > b ? a : b)) : lastHistory(config);
  return new Date(Number(newest / 1_000_000n));
}

/** Of the base's last layer, where nothing was added to it. */
function lastHistory(config: Uint8Array): bigint {
  const { history = [] } = JSON.parse(Buffer.from(config).toString("utf8")) as { history?: ReadonlyArray<{ created?: string }> };
  const created = history.findLast((entry) => entry.created !== undefined)?.created;
  return created === undefined ? 0n : parseRfc3339(created);
}

const NOTHING: Origin = { layer: undefined, step: undefined, dockerfile: undefined };

/** Which layer, step and lines brought each file of a result, where these are known. */
export async function pathOrigins(result: { readonly graph: LlbGraph; readonly definition: Definition; readonly chain: LayerChain; readonly solved: Pick<SolvedGraphs, "known"> }, signal: AbortSignal): Promise<(descriptors: LayerDescriptors) => (path: string) => Origin> {
  const { graph, definition, chain, solved } = result;
  const steps = await layerSteps(graph, definition, solved);
  const tree = await Tree.open(chain, signal);
  const files = (definition.source?.infos ?? []).map(({ filename }) => filename);
  return (descriptors) => (path) => {
    const layer = tree.lookup(path)?.layer;
    if (layer === undefined) return NOTHING;
    const step = steps.get(layer.id);
    const [place] = step?.places ?? [];
    const file = place === undefined ? undefined : files[place.file];
    return {
      layer: (descriptors.get(layer.id) ?? originOf(layer)?.descriptor)?.digest,
      step: step?.id,
      dockerfile: place === undefined || file === undefined ? undefined : { file, startLine: place.startLine, endLine: place.endLine },
    };
  };
}

function packageVersion(): string {
  // Ours.
  return (JSON.parse(readFileSync(findPackageJson(import.meta.url), "utf8")) as { version: string }).version;
}
