import type { LlbGraph } from "../llb/graph.ts";
import { loadGraph } from "../llb/graph.ts";
import { EMPTY_CAPTURE, type Capture } from "../provenance/capture.ts";
import type { JsonObject } from "../provenance/json-tree.ts";
import { metadataProvenance } from "../provenance/metadata-file.ts";
import { provenanceStatement } from "../provenance/statement.ts";
import type { Redaction } from "../scrub/scrubber.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { Compiled } from "./compiled.ts";
import { NO_INVOCATION, provenanceInput, type RecordParts } from "./record.ts";
import { UNASKED } from "./outcome.ts";
import type { ScrubbedPlatform } from "./without-secrets.ts";

const NOWHERE = { builderPlatform: { os: "linux", architecture: "amd64" }, dockerfileVersion: "", compatibilityVersion: 0 };

/** What would be masked in the records of a build that has not run yet. Whatever a step may add to them is no text. */
export function recordRedactions({ provenance }: BuildPlan, { compiled, custom }: { readonly compiled: Compiled; readonly custom: JsonObject }, { definition, asked, newScrubber }: ScrubbedPlatform): readonly Redaction[] {
  const parts: RecordParts = {
    definition, newScrubber, asked, capture: plannedCapture(loadGraph(definition)), rootAttributes: compiled.rootAttributes,
    invocation: NO_INVOCATION, environment: { ...NOWHERE, custom }, usage: undefined, commit: undefined, rebuild: undefined, policies: [], imageRedactions: [],
  };
  const input = provenanceInput({ ...(provenance ?? UNASKED), completeMaterials: false }, parts, []);
  if (provenance === undefined) metadataProvenance(input, "min");
  else provenanceStatement(input, { subjects: [], form: "compact" });
  return input.scrubber.redactions;
}

/** The addresses that will be materials. */
function plannedCapture({ vertices }: LlbGraph): Capture {
  const sources = [...vertices.values()].flatMap(({ op, digest }) => (op.op.case === "source" ? [{ source: op.op.value, digest }] : []));
  return {
    ...EMPTY_CAPTURE,
    http: sources.filter(({ source }) => /^https?:\/\//.test(source.identifier)).map(({ source, digest }) => ({ url: source.identifier, digest })),
    git: sources.filter(({ source }) => source.identifier.startsWith("git://")).map(({ source }) => ({ url: source.attrs["git.fullurl"] ?? source.identifier, commit: "" })),
  };
}
