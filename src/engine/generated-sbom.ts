import { goJson } from "../content/go-json.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { CORE_NAME, findSbomGenerator, generatorDefinition } from "../frontend/sbom-generator.ts";
import type { Definition } from "../llb/definition.ts";
import { Tree } from "../snapshot/tree.ts";
import type { BuildMeans } from "./build-means.ts";
import { readBundle, type BundledStatement } from "./bundle.ts";
import type { Evidence } from "./evidence.ts";
import { frontendRequest } from "./frontend-request.ts";
import { scrubbedPredicate } from "./scrubbed-predicate.ts";
import { solveGraphs } from "./solve-graphs.ts";
import { supplementSpdx } from "./supplement-spdx.ts";

const SPDX = "https://spdx.dev/Document";

export interface GeneratorRequest {
  readonly generator: string;
  readonly params: Readonly<Record<string, string>>;
  readonly platform: string;
  readonly core: Definition;
  readonly extras: ReadonlyMap<string, Definition>;
  readonly ignoreCache: boolean;
  /** Who adds to what the scanner wrote. */
  readonly tool: string;
}

/** Runs a scanner that is an image, by BuildKit's protocol. Rejects with VertexError, FrontendFailure and what the gateway throws. */
export async function generatedSbom(request: GeneratorRequest, { means, gateway }: { readonly means: BuildMeans; readonly gateway: Gateway }, signal: AbortSignal): Promise<readonly Evidence[]> {
  const frontend = { gateway, request: frontendRequest(means, means.attributes, new Map()) };
  const generator = await findSbomGenerator(request.generator, frontend, signal);
  const definition = generatorDefinition({ ...request, generator }, frontend);
  // Its image is told as what was looked up, and its steps are no part of the result's.
  const { chains } = await solveGraphs([definition], { ...means, services: { ...means.services, pins: new Map() } }, signal);
  const statements = await readBundle(await Tree.open(chains[0] ?? [], signal), "/", SPDX, signal);
  const isCore = ({ name }: BundledStatement): boolean => name.split(".")[0] === CORE_NAME;
  return [...statements.filter(isCore), ...statements.filter((statement) => !isCore(statement))].map((statement) => generatedEvidence(statement, isCore(statement), request.tool));
}

function generatedEvidence({ name, predicateType, predicate, subjects }: BundledStatement, isCore: boolean, tool: string): Evidence {
  return {
    predicateType,
    filename: name,
    subjects: subjects.length === 0 ? undefined : () => subjects,
    async predicate(target, signal) {
      const whole = isCore ? supplementSpdx(predicate, target, tool) : predicate;
      return Buffer.from(goJson(sortedMembers(await scrubbedPredicate(whole, { predicateType, scrubber: target.scrubber }, signal))));
    },
  };
}

/** Go reads it into a map and writes that. */
function sortedMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedMembers);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sortedMembers(member)]));
}
