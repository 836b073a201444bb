import { parseGitReference } from "../frontend/dockerfile/git-reference.ts";
import type { CommitRecord, PolicyRecord, RebuildRecord } from "../provenance/extension.ts";
import type { ProvenancePlan } from "../provenance/params.ts";
import type { FrontendRequest } from "../provenance/request.ts";
import type { AskedRequest } from "./request-trail.ts";
import type { BuildEnvironment, Invocation, MeasuredUsage, ProvenanceInput } from "../provenance/predicate.ts";
import { buildRecord, type StepLayers } from "../provenance/source-map.ts";
import type { Redaction, Scrubber } from "../scrub/scrubber.ts";
import type { Capture } from "../provenance/capture.ts";
import type { Definition } from "../llb/definition.ts";

/** What a record of one platform is made of, but for its layers and subjects. */
export interface RecordParts {
  readonly definition: Definition;
  readonly capture: Capture;
  readonly asked: AskedRequest;
  /** As the client sent them, before they were handed on to another frontend. */
  readonly rootAttributes: ReadonlyMap<string, string>;
  readonly invocation: Invocation;
  readonly environment: BuildEnvironment;
  readonly usage: MeasuredUsage | undefined;
  readonly commit: CommitRecord | undefined;
  readonly rebuild: RebuildRecord | undefined;
  readonly policies: readonly PolicyRecord[];
  readonly newScrubber: () => Scrubber;
  /** What was masked of the image. */
  readonly imageRedactions: readonly Redaction[];
}

/** In place of what differs between two runs of one build. */
export const NO_INVOCATION: Invocation = { id: "", startedNs: 0n, finishedNs: 0n };

export function provenanceInput(plan: ProvenancePlan, parts: RecordParts, layers: readonly StepLayers[]): ProvenanceInput {
  return {
    plan, layers,
    capture: parts.capture,
    request: recordedRequest(parts.asked),
    rootRequest: { frontend: "", args: recordedArguments(parts.rootAttributes), inputs: new Map() },
    build: parts.definition.def.length === 0 ? undefined : buildRecord(parts.definition),
    invocation: parts.invocation,
    environment: parts.environment,
    usage: parts.usage,
    commit: parts.commit,
    rebuild: parts.rebuild,
    policies: parts.policies,
    scrubber: parts.newScrubber(),
    imageRedactions: parts.imageRedactions,
  };
}

export function recordedRequest({ frontend, options, inputs }: AskedRequest): FrontendRequest {
  return { frontend, args: recordedArguments(options), inputs: new Map([...inputs].map(([name, input]) => [name, recordedRequest(input)])) };
}

/** A repository in the one form that its material is named in: `URL#ref:directory`, not the query form. */
function recordedArguments(attributes: ReadonlyMap<string, string>): Record<string, string> {
  const args = Object.fromEntries(attributes);
  const git = args["context"] === undefined ? undefined : parseGitReference(args["context"]);
  if (git === undefined) return args;
  const { remote, ref, subdir, looksLocal } = git;
  const fragment = ref === "" && subdir === "" ? "" : `#${ref}${subdir === "" ? "" : `:${subdir}`}`;
  return { ...args, context: `${looksLocal ? "https://" : ""}${remote}${fragment}` };
}
