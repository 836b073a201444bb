import { TimeSlice } from "../content/time-slice.ts";
import { lineRanges } from "../frontend/dockerfile/source-range.ts";
import type { LlbGraph } from "../llb/graph.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { Layer, LayerChain } from "../snapshot/layer.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compiled.ts";
import { readInspection } from "./inspect-file.ts";
import { layerSteps, type LayerStep } from "./layer-steps.ts";
import type { ReadLocal } from "./locals.ts";
import { searchInputs, type LeakyFile } from "./search-inputs.ts";
import { described, type Finding } from "./secret-findings.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** A context of the wrong directory is told with so many of its files. */
const FILES_NAMED_MAX = 20;
/** Places of one file. */
const SECRETS_NAMED_MAX = 3;

export interface SolvedCompiled {
  readonly compiled: Compiled;
  readonly solved: SolvedGraphs;
}

/** The layers of a result that are no base's: a base is looked at nowhere, its layers would have to be fetched. */
interface OwnLayers {
  readonly graph: LlbGraph;
  readonly layers: LayerChain;
  readonly steps: ReadonlyMap<string, LayerStep>;
}

/**
 * Files with secrets that were read of the client's directories, of repositories, archives and the web, and are in a layer of a result,
 * with the instruction that put them there: by their content, so under whatever name and through however many stages. What a later
 * layer hides is still in the one before.
 */
export async function copiedSecrets({ compiled, solved }: SolvedCompiled, means: BuildMeans, signal: AbortSignal): Promise<readonly Finding[]> {
  const results = await Promise.all(compiled.platforms.map(async ({ definition }, i): Promise<OwnLayers> => {
    const graph = solved.graphs[i] ?? { vertices: new Map(), head: undefined };
    const steps = await layerSteps(graph, definition, solved);
    const isBase = (layer: Layer): boolean => originOf(layer) !== undefined && isOfSource(steps.get(layer.id), graph);
    return { graph, steps, layers: (solved.chains[i] ?? []).filter((layer) => !isBase(layer)) };
  }));
  const layers = [...new Map(results.flatMap((result) => result.layers.map((layer) => [layer.id, layer]))).values()];
  const leaky = [...(await leakyLocals(means.services.locals.done, signal))];
  for (const [i, { definition }] of compiled.platforms.entries()) leaky.push(...(await searchInputs({ definition, graph: results[i]?.graph, layers, solved }, means, signal)));
  if (leaky.length === 0) return [];
  const findings = new Map<string, Finding>();
  for (const result of results) for (const finding of await findingsIn(result, leaky, signal)) findings.set(finding.message, finding);
  return named([...findings.values()]);
}

function isOfSource(step: LayerStep | undefined, { vertices }: LlbGraph): boolean {
  return step === undefined || vertices.get(step.vertex)?.op.op.case === "source";
}

async function leakyLocals(locals: readonly ReadLocal[], signal: AbortSignal): Promise<readonly LeakyFile[]> {
  const leaky: LeakyFile[] = [];
  const slice = new TimeSlice();
  for (const { name, layer, told } of locals.filter((local) => local.told.size > 0)) {
    for (const entry of await layer.entries(signal)) {
      if (slice.isSpent) await slice.renew(signal);
      const secrets = entry.kind === "file" ? readInspection(told.get(entry.path) ?? "") : [];
      if (secrets.length === 0) continue;
      leaky.push({ digest: await layer.contentDigest(entry, signal), vertex: undefined, path: name === "context" ? entry.path : `${name}:${entry.path}`, sizeBytes: entry.sizeBytes, secrets, remedy: ".dockerignore" });
    }
  }
  return leaky;
}

async function findingsIn({ graph, layers, steps }: OwnLayers, leaky: readonly LeakyFile[], signal: AbortSignal): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  // Spares the question for the digests of all other files.
  const sizesBytes = new Set(leaky.map(({ sizeBytes }) => sizeBytes));
  const byDigest = Map.groupBy(leaky, ({ digest }) => digest);
  const slice = new TimeSlice();
  for (const layer of layers) {
    const step = steps.get(layer.id);
    const [place] = step?.places ?? [];
    for (const entry of await layer.entries(signal)) {
      if (slice.isSpent) await slice.renew(signal);
      if (entry.kind !== "file" || !sizesBytes.has(entry.sizeBytes)) continue;
      const file = nearest(byDigest.get(await layer.contentDigest(entry, signal)) ?? [], step, graph);
      if (file !== undefined) findings.push({ rule: "SecretInImage", message: messageOf(file, entry.path), location: place === undefined ? [] : lineRanges(place.startLine, place.endLine) });
    }
  }
  return findings;
}

/** Of files of equal content, the one that the step itself unpacked or was given. */
function nearest(files: readonly LeakyFile[], step: LayerStep | undefined, { vertices }: LlbGraph): LeakyFile | undefined {
  const given = step === undefined ? [] : [step.vertex, ...(vertices.get(step.vertex)?.inputs ?? []).map(({ digest }) => digest)];
  return given.map((digest) => files.find(({ vertex }) => vertex === digest)).find((file) => file !== undefined) ?? files[0];
}

function messageOf({ path, secrets, remedy }: LeakyFile, imagePath: string): string {
  const told = secrets.slice(0, SECRETS_NAMED_MAX).map((secret) => `${described(secret)} in line ${secret.line}`);
  const rest = secrets.length > SECRETS_NAMED_MAX ? ", and others" : "";
  return `${path} holds a secret (${told.join(", ")}${rest}), and the image keeps it as /${imagePath}: leave it out with ${remedy}, or hand it to the steps that need it with RUN --mount=type=secret`;
}

function named(findings: readonly Finding[]): readonly Finding[] {
  const rest = findings.length - FILES_NAMED_MAX;
  return rest <= 0 ? findings : [...findings.slice(0, FILES_NAMED_MAX), { rule: "SecretInImage", message: `${rest} more files of the image hold secrets`, location: [] }];
}
