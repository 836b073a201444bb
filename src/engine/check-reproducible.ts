import { setTimeout as sleep } from "node:timers/promises";
import { epochOf, type ExportTarget, type ImageForm } from "../export/target.ts";
import type { Clock } from "../host/clock.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { RebuildRecord } from "../provenance/extension.ts";
import { entryDifferences } from "../rebuild/entry-differences.ts";
import { imageDifference } from "../rebuild/image-difference.ts";
import { likelyCauses, type TimeSettings } from "../rebuild/likely-causes.ts";
import { VertexError } from "../solver/vertex-error.ts";
import { changedInputs } from "./changed-inputs.ts";
import { comparedFiles, comparedImages, type Run } from "./compared-results.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compiled.ts";
import { layerMakers } from "./layer-makers.ts";
import { NotReproducibleError, type DifferingOutput } from "./not-reproducible.ts";
import type { SolvedResult } from "./result-evidence.ts";
import { openSecondRun, SECOND_RUN, type RunningBuild } from "./second-run.ts";
import { solveGraphs, type SolvedGraphs } from "./solve-graphs.ts";

const NO_EPOCH = "WARNING: SOURCE_DATE_EPOCH is not set: what is built holds the time of its build, and a second build can hardly be equal";
const NS_PER_S = 1_000_000_000n;
/** Runs of one check. */
const RUNS = 2;

/**
 * Builds the same graph once more, from nothing, and compares what the two builds would publish, bit for bit. The Dockerfile
 * is not read again. Throws NotReproducibleError.
 */
export async function checkReproducible(build: SolvedResult, running: RunningBuild, signal: AbortSignal): Promise<RebuildRecord> {
  const { plan, compiled } = build;
  const { means } = running;
  if (compiled.epochSeconds === undefined) means.report({ kind: "notice", message: NO_EPOCH });
  await nextSecond(means.publish.clock, signal);
  await using second = await openSecondRun(plan, running, signal);

  const solved = await solveAgain(compiled, second, signal);
  const runs = { first: runOf(compiled, build.solved, means), second: runOf(compiled, solved, second) };
  await means.publish.steps.work("comparing with the second build", async () => {
    const outputs: DifferingOutput[] = [];
    const forms = imageForms(plan.exports);
    for (const form of forms) outputs.push(...(await differingImages(runs, { form, isOnly: forms.length === 1 }, { compiled, solved }, signal)));
    for (const target of plan.exports) if (target.kind === "local" || target.kind === "tar") outputs.push(...(await differingFiles(runs, target, signal)));
    if (outputs.length > 0) throw new NotReproducibleError(changedInputs(means.services.pins, second.services.pins), outputs);
  });
  return { runs: RUNS };
}

/** What a step writes of the time, it mostly writes in seconds: the second run must not share one with the first. */
async function nextSecond(clock: Clock, signal: AbortSignal): Promise<void> {
  const left = NS_PER_S - (clock.nowNs() % NS_PER_S);
  await sleep(Number(left / 1_000_000n) + 1, undefined, { signal });
}

/** A step that fails only now must not be taken for one of the first run. */
async function solveAgain({ platforms }: Compiled, second: BuildMeans, signal: AbortSignal): Promise<SolvedGraphs> {
  try {
    return await solveGraphs(platforms.map(({ definition }) => definition), second, signal);
  } catch (error) {
    if (!(error instanceof VertexError)) throw error;
    throw new VertexError(error.vertex, SECOND_RUN + error.stepName, error.cause);
  }
}

function runOf({ platforms, epochSeconds }: Compiled, { chains }: SolvedGraphs, { publish }: BuildMeans): Run {
  return {
    results: platforms.map(({ platform, config }, i) => ({ platform, config, chain: chains[i] ?? [] })),
    serialise: publish.serialise,
    epochNs: epochSeconds === undefined ? undefined : epochSeconds * NS_PER_S,
  };
}

/** What decides the bytes of images when nobody asked for one: then it is the build itself that is in question. */
const PLAIN_FORM: ImageForm = { names: [], compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", compat: undefined, evidence: { store: { kind: "none" }, artifact: true }, attestInline: true, rewriteTimestamp: false, epoch: undefined, annotations: [], prefersRoot: false };

/** Each form of image once; outputs of one form differ only in where they go. */
function imageForms(exports: readonly ExportTarget[]): readonly ImageForm[] {
  const forms = exports.flatMap((target) => ("form" in target ? [{ ...target.form, names: [] }] : target.kind === "cacheonly" ? [PLAIN_FORM] : []));
  return [...new Map(forms.map((form) => [JSON.stringify(form), form])).values()];
}

interface Runs {
  readonly first: Run;
  readonly second: Run;
}

interface ComparedForm {
  readonly form: ImageForm;
  /** Else names of outputs say which one it is. */
  readonly isOnly: boolean;
}

interface SolvedAgain {
  readonly compiled: Compiled;
  readonly solved: SolvedGraphs;
}

async function differingImages({ first, second }: Runs, { form, isOnly }: ComparedForm, { compiled, solved }: SolvedAgain, signal: AbortSignal): Promise<readonly DifferingOutput[]> {
  const [ours, theirs] = [await comparedImages(first, form, signal), await comparedImages(second, form, signal)];
  const settings: TimeSettings = { epochNs: epochOf(form.epoch, first.epochNs), files: form.rewriteTimestamp ? "rewritten" : "left" };
  const found: DifferingOutput[] = [];
  for (const [i, { platform, chain }] of second.results.entries()) {
    const [a, b, graph, definition] = [ours[i], theirs[i], solved.graphs[i], compiled.platforms[i]?.definition];
    if (a === undefined || b === undefined || graph === undefined || definition === undefined) throw new RangeError(`no two images for ${formatPlatform(platform)}`);
    const difference = await imageDifference(a, b, signal);
    if (difference === undefined) continue;
    const makers = await layerMakers(chain, { graph, definition, solved });
    found.push({ name: `image for ${formatPlatform(platform)}${isOnly ? "" : ` (${describeForm(form)})`}`, difference, makers, causes: likelyCauses(difference, makers, settings) });
  }
  return found;
}

function describeForm({ compression, rewriteTimestamp, mediaTypes }: ImageForm): string {
  return [compression.kind, ...(mediaTypes === "docker" ? ["Docker media types"] : []), ...(rewriteTimestamp ? ["rewrite-timestamp"] : [])].join(", ");
}

async function differingFiles({ first, second }: Runs, target: Parameters<typeof comparedFiles>[1], signal: AbortSignal): Promise<readonly DifferingOutput[]> {
  const files = await entryDifferences(await comparedFiles(first, target, signal), await comparedFiles(second, target, signal), signal);
  if (files.length === 0) return [];
  const asLayer = { layers: [{ index: 0, difference: { kind: "files", paths: files } }], layerCounts: [1, 1], config: [], manifest: [] } as const;
  return [{ name: `files of type=${target.kind}`, difference: { files }, makers: [], causes: likelyCauses(asLayer, [], { epochNs: epochOf(target.epoch, first.epochNs), files: "set" }) }];
}
