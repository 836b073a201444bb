import { TimeSlice } from "../content/time-slice.ts";
import type { Digest } from "../content/digest.ts";
import { lineRanges } from "../frontend/dockerfile/source-range.ts";
import type { LlbGraph } from "../llb/graph.ts";
import type { FileSecret } from "../scrub/file-scan.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { Layer, LayerChain } from "../snapshot/layer.ts";
import type { BuildMeans } from "./build-means.ts";
import type { Compiled } from "./compiled.ts";
import { readInspection } from "./inspect-file.ts";
import { layerSteps, type LayerStep } from "./layer-steps.ts";
import type { ReadLocal } from "./locals.ts";
import { described, type Finding } from "./secret-findings.ts";
import type { SolvedGraphs } from "./solve-graphs.ts";

/** A context of the wrong directory is told with so many of its files. */
const FILES_NAMED_MAX = 20;
/** Places of one file. */
const SECRETS_NAMED_MAX = 3;

/** A file of the client's directories that holds secrets. */
interface LeakyFile {
  /** In the context; of another directory with its name before it. */
  readonly path: string;
  readonly secrets: readonly FileSecret[];
}

export interface SolvedCompiled {
  readonly compiled: Compiled;
  readonly solved: SolvedGraphs;
}

/**
 * Files with secrets that were read of the client's directories and are in a layer of a result, with the instruction that put them there:
 * by their content, so under whatever name and through however many stages. What a later layer hides is still in the one before.
 */
export async function copiedSecrets({ compiled, solved }: SolvedCompiled, { services }: Pick<BuildMeans, "services">, signal: AbortSignal): Promise<readonly Finding[]> {
  const leaky = await leakyFiles(services.locals.done, signal);
  if (leaky.byDigest.size === 0) return [];
  const findings = new Map<string, Finding>();
  for (const [i, { definition }] of compiled.platforms.entries()) {
    const graph = solved.graphs[i] ?? { vertices: new Map(), head: undefined };
    const steps = await layerSteps(graph, definition, solved);
    // A base is looked at nowhere: its layers would have to be fetched.
    const isBase = (layer: Layer): boolean => originOf(layer) !== undefined && isOfSource(steps.get(layer.id), graph);
    for (const finding of await findingsIn((solved.chains[i] ?? []).filter((layer) => !isBase(layer)), { leaky, steps }, signal)) findings.set(finding.message, finding);
  }
  return named([...findings.values()]);
}

function isOfSource(step: LayerStep | undefined, { vertices }: LlbGraph): boolean {
  return step === undefined || vertices.get(step.vertex)?.op.op.case === "source";
}

interface LeakyFiles {
  readonly byDigest: ReadonlyMap<Digest, LeakyFile>;
  /** Spares the question for the digests of all other files. */
  readonly sizesBytes: ReadonlySet<number>;
}

async function leakyFiles(locals: readonly ReadLocal[], signal: AbortSignal): Promise<LeakyFiles> {
  const byDigest = new Map<Digest, LeakyFile>();
  const sizesBytes = new Set<number>();
  const slice = new TimeSlice();
  for (const { name, layer, inspected } of locals) {
    for (const entry of await layer.entries(signal)) {
      if (slice.isSpent) await slice.renew(signal);
      const secrets = entry.kind === "file" ? readInspection(inspected(entry.path) ?? "") : [];
      if (secrets.length === 0) continue;
      sizesBytes.add(entry.sizeBytes);
      byDigest.set(await layer.contentDigest(entry, signal), { path: name === "context" ? entry.path : `${name}:${entry.path}`, secrets });
    }
  }
  return { byDigest, sizesBytes };
}

async function findingsIn(chain: LayerChain, { leaky, steps }: { readonly leaky: LeakyFiles; readonly steps: ReadonlyMap<string, LayerStep> }, signal: AbortSignal): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const slice = new TimeSlice();
  for (const layer of chain) {
    const [place] = steps.get(layer.id)?.places ?? [];
    for (const entry of await layer.entries(signal)) {
      if (slice.isSpent) await slice.renew(signal);
      if (entry.kind !== "file" || !leaky.sizesBytes.has(entry.sizeBytes)) continue;
      const file = leaky.byDigest.get(await layer.contentDigest(entry, signal));
      if (file !== undefined) findings.push({ rule: "SecretInImage", message: messageOf(file, entry.path), location: place === undefined ? [] : lineRanges(place.startLine, place.endLine) });
    }
  }
  return findings;
}

function messageOf({ path, secrets }: LeakyFile, imagePath: string): string {
  const told = secrets.slice(0, SECRETS_NAMED_MAX).map((secret) => `${described(secret)} in line ${secret.line}`);
  const rest = secrets.length > SECRETS_NAMED_MAX ? ", and others" : "";
  return `${path} holds a secret (${told.join(", ")}${rest}), and the image keeps it as /${imagePath}: leave it out with .dockerignore, or hand it to the steps that need it with RUN --mount=type=secret`;
}

function named(findings: readonly Finding[]): readonly Finding[] {
  const rest = findings.length - FILES_NAMED_MAX;
  return rest <= 0 ? findings : [...findings.slice(0, FILES_NAMED_MAX), { rule: "SecretInImage", message: `${rest} more files of the image hold secrets`, location: [] }];
}
