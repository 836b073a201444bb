import type { HistoryOrigin } from "../frontend/dockerfile/convert/docker-image.ts";
import type { Range } from "../frontend/dockerfile/source-range.ts";
import { loadGraph, type LlbGraph } from "../llb/graph.ts";
import type { JsonObject } from "../provenance/json-tree.ts";
import { learnOp } from "../provenance/learn-op.ts";
import { learnRequest } from "../provenance/request.ts";
import { KnownSecrets } from "../scrub/known-secrets.ts";
import { OpenScrubber } from "../scrub/open-scrubber.ts";
import { Scrubber, type Redaction } from "../scrub/scrubber.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { Compiled, CompiledPlatform } from "./compiled.ts";
import { readOrigins } from "./history-origins.ts";
import { imageSecrets } from "./image-secrets.ts";
import { recordedRequest } from "./record.ts";
import { recordRedactions } from "./record-redactions.ts";
import { scrubHistory } from "./scrub-history.ts";
import { described, sourceOf, tellFindings, type Finding } from "./secret-findings.ts";

/** A platform whose image may be published as it is. */
export interface ScrubbedPlatform extends CompiledPlatform {
  /** Knows the secrets of this build; one for each record. */
  readonly newScrubber: () => Scrubber;
  /** What was masked of the image: its history. */
  readonly imageRedactions: readonly Redaction[];
}

export interface ScrubbedBuild extends Compiled {
  readonly platforms: readonly ScrubbedPlatform[];
}

const ALLOWED = "WARNING: secrets are not masked, in provenance, image history, metadata file and log (--secrets-in-evidence=allow)";

/**
 * What the frontend made, with the image's history as it may be published. What the image itself holds of secrets is reported, at its
 * lines. All is known before a step has run, so that a build that is to be refused costs nothing. Throws BuildError ("secret").
 */
export function withoutSecrets(plan: BuildPlan, compiled: Compiled, means: BuildMeans): ScrubbedBuild {
  if (plan.secretsInEvidence === "allow") means.report({ kind: "notice", message: ALLOWED });
  const findings: Finding[] = [];
  const platforms = compiled.platforms.map((platform): ScrubbedPlatform => {
    const graph = loadGraph(platform.definition);
    const known = learnt(platform, compiled, graph);
    const newScrubber = (): Scrubber => (plan.secretsInEvidence === "allow" ? new OpenScrubber() : new Scrubber(known));
    const history = platform.history.length > 0 ? platform.history : toldHistory(platform);
    const { config, redactions } = scrubHistory(platform.config, history, { scrubber: newScrubber, args: plan.historyArgs });
    const scrubbed = { ...platform, config, history, newScrubber, imageRedactions: redactions.map(({ kind, place, name }) => ({ kind, place, name })) };
    findings.push(...findingsOf({ plan, compiled, custom: means.custom, scrubbed, graph, known, history: redactions }));
    return scrubbed;
  });
  tellFindings(findings, sourceOf(compiled.platforms[0]?.definition), plan, means.report);
  return { ...compiled, platforms };
}

/** A frontend in a container tells nothing of its entries but their words. */
function toldHistory({ config, definition, asked }: CompiledPlatform): CompiledPlatform["history"] {
  return readOrigins({ config, source: definition.source?.infos[0]?.data, target: asked.options.get("target") ?? "" });
}

/** The secrets of the request, of the graph, and of the files that it was read from. */
function learnt({ definition, asked }: CompiledPlatform, { rootAttributes }: Compiled, graph: LlbGraph): KnownSecrets {
  const known = new KnownSecrets();
  const scrubber = new Scrubber(known);
  learnRequest(recordedRequest(asked), scrubber);
  learnRequest({ frontend: "", args: Object.fromEntries(rootAttributes), inputs: new Map() }, scrubber);
  for (const { op } of graph.vertices.values()) learnOp(op, scrubber);
  for (const { data } of definition.source?.infos ?? []) scrubber.learnDockerfile(Buffer.from(data).toString("utf8"));
  return known;
}

interface Findable {
  readonly plan: BuildPlan;
  readonly compiled: Compiled;
  readonly custom: JsonObject;
  readonly scrubbed: ScrubbedPlatform;
  readonly graph: LlbGraph;
  readonly known: KnownSecrets;
  readonly history: ReadonlyArray<Redaction & { readonly location: readonly Range[] }>;
}

function findingsOf({ plan, compiled, custom, scrubbed, graph, known, history }: Findable): readonly Finding[] {
  if (plan.secretsInEvidence === "allow") return [];
  const annotations = plan.exports.flatMap((target) => ("form" in target ? target.form.annotations : [])).map(({ key, value }) => [key, value] as const);
  const origins: ReadonlyArray<HistoryOrigin | undefined> = scrubbed.history;
  const dockerfiles = (scrubbed.definition.source?.infos ?? []).map(({ data }) => Buffer.from(data).toString("utf8"));
  const held = imageSecrets({ config: scrubbed.config, origins, graph, annotations, dockerfile: dockerfiles[0] ?? "" }, known);
  const recorded = plan.secretsInEvidence === "refuse" ? recordRedactions(plan, { compiled, custom }, scrubbed) : [];
  return [
    ...history.map((found): Finding => ({ rule: "SecretInHistory", message: `masked in the image's history: ${described(found)}`, location: found.location })),
    ...held.map((found): Finding => ({ rule: "SecretInImage", message: `${found.place} holds a secret (${described(found)}), and the image keeps it: hand it to the steps that need it with RUN --mount=type=secret`, location: found.location })),
    ...recorded.map((found): Finding => ({ rule: "SecretInProvenance", message: `the provenance would hold a secret in ${found.place} (${described(found)})`, location: [] })),
  ];
}
