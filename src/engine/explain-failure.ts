import type { Digest } from "../content/digest.ts";
import { originalError } from "../content/original-error.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import { DockerfileError } from "../frontend/dockerfile/dockerfile-error.ts";
import { FrontendOptionError } from "../frontend/dockerfile/frontend-option-error.ts";
import { ReadFailure } from "../frontend/dockerfile/read-failure.ts";
import { HttpError } from "../host/http-error.ts";
import type { LlbGraph, LlbVertex } from "../llb/graph.ts";
import { ProcessExitError } from "../ops/operation-error.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { SourceExcerpt } from "../progress/event.ts";
import { CredentialError } from "../registry/credential.ts";
import { RegistryError } from "../registry/registry-error.ts";
import { TreeError } from "../snapshot/tree-error.ts";
import { SourceError } from "../source/source-error.ts";
import { VertexError } from "../solver/vertex-error.ts";
import { BuildError, codeOf } from "./build-error.ts";
import { NotReproducibleError, notReproducibleFailure } from "./not-reproducible.ts";
import { describeExcerpt, describeFailedStep } from "../progress/failure-report.ts";

/** The text of the Dockerfile, once it has been read. */
interface DockerfileText {
  readonly filename: string;
  readonly text: string;
}

/** What a build had seen when it failed. */
export interface Seen {
  readonly graphs: LlbGraph[];
  /** What the frontend read, by path. */
  readonly files: Map<string, Uint8Array>;
  readonly dockerfileName: string;
  /** The name of the step that failed first. */
  readonly failedStep: () => string | undefined;
  /** What a step that failed printed last. */
  readonly lastLines: (step: Digest) => readonly string[];
}

/** A failure in the words of BuildKit's client: the step, its last output, the lines, the message. Aborts pass through. */
export function explainFailure(failure: unknown, { graphs, files, dockerfileName, failedStep, lastLines }: Seen): unknown {
  const error = originalError(failure);
  // The frontend falls back to the lower-case name, and keeps calling it by the other.
  const bytes = files.get(dockerfileName) ?? files.get(dockerfileName.toLowerCase());
  const dockerfile = bytes && { filename: dockerfileName, text: Buffer.from(bytes).toString("utf8") };
  const explained = explainPart(error, { graphs, dockerfile, failedStep: failedStep(), lastLines });
  return explained instanceof BuildError ? withDenials(explained) : explained;
}

interface FailureParts {
  readonly graphs: readonly LlbGraph[];
  readonly dockerfile: DockerfileText | undefined;
  readonly failedStep: string | undefined;
  readonly lastLines: Seen["lastLines"];
}

function explainPart(error: unknown, parts: FailureParts): unknown {
  const { dockerfile, failedStep } = parts;
  if (error instanceof ReadFailure) return withWanted(error, explainPart(originalError(error.cause), parts));
  if (error instanceof DockerfileError) return dockerfileFailure(error, dockerfile, failedStep);
  if (error instanceof FrontendFailure) return frontendFailure(error, failedStep);
  if (error instanceof NotReproducibleError) return notReproducibleFailure(error);
  if (error instanceof VertexError) return stepFailure(error, parts);
  const coded = error instanceof FrontendOptionError ? { code: "usage", retryable: false } : codeOf(error);
  if (coded === undefined || error instanceof BuildError) return error;
  return new BuildError(`failed to solve: ${messageOf(error)}`, { ...coded, excerpt: undefined, report: "", exitCode: undefined }, { cause: error });
}

/** What was to be read comes behind BuildKit's words for any failure. */
function withWanted({ wanted }: ReadFailure, explained: unknown): unknown {
  return explained instanceof BuildError ? changed(explained, { message: explained.message.replace(/^failed to solve: /, (words) => `${words}${wanted}: `) }) : explained;
}

function changed(error: BuildError, { message = error.message, report = error.report }: { readonly message?: string; readonly report?: string }): BuildError {
  const { code, retryable, excerpt, exitCode, cause } = error;
  return new BuildError(message, { code, retryable, excerpt, report, exitCode }, { cause });
}

/** What a policy has to say comes first, as buildx prints it. */
function withDenials(error: BuildError): BuildError {
  const said = denialsOf(error.cause).map((message) => `Policy: ${message}\n`).join("");
  return said === "" ? error : changed(error, { report: said + error.report });
}

function denialsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  return error instanceof PolicyError ? error.denials : denialsOf(error.cause);
}

function dockerfileFailure(error: DockerfileError, dockerfile: DockerfileText | undefined, failedStep: string | undefined): BuildError {
  const ranges = error.locations.flat();
  const excerpt = excerptOf(dockerfile, ranges.map(({ start }) => start.line), ranges.map(({ end }) => end.line));
  const step = failedStep === undefined ? "" : describeFailedStep({ name: failedStep, lastLines: [], excerpt: undefined });
  const report = step + (excerpt === undefined ? "" : describeExcerpt(excerpt));
  const coded = (saidByTheWorld(error.cause) ? codeOf(error.cause) : undefined) ?? { code: "dockerfile", retryable: false };
  return new BuildError(`failed to solve: ${error.message}`, { ...coded, excerpt, report, exitCode: undefined }, { cause: error });
}

function frontendFailure(error: FrontendFailure, failedStep: string | undefined): BuildError {
  const { place, message, code, retryable } = error;
  const excerpt = place && { filename: place.filename, text: Buffer.from(place.data).toString("utf8"), startLine: place.startLine, endLine: place.endLine };
  const step = failedStep === undefined ? "" : describeFailedStep({ name: failedStep, lastLines: [], excerpt: undefined });
  const report = step + (excerpt === undefined ? "" : describeExcerpt(excerpt));
  return new BuildError(`failed to solve: ${message}`, { code, retryable, excerpt, report, exitCode: undefined }, { cause: error });
}

/** True where the Dockerfile may be right, and what it names could not be had. */
function saidByTheWorld(cause: unknown): boolean {
  return [RegistryError, SourceError, CredentialError, HttpError, PolicyError].some((kind) => cause instanceof kind);
}

function stepFailure(error: VertexError, { graphs, dockerfile, lastLines }: FailureParts): BuildError {
  const vertex = graphs.map(({ vertices }) => vertices.get(error.vertex)).find((found) => found !== undefined);
  const excerpt = vertex === undefined ? undefined : vertexExcerpt(vertex, dockerfile);
  const exit = error.cause instanceof ProcessExitError ? error.cause : undefined;
  const report = describeFailedStep({ name: error.stepName, lastLines: lastLines(error.vertex), excerpt });
  // A tree's word for what is not there is also a registry's, and means another thing.
  const coded = error.cause instanceof TreeError && error.cause.code === "not-found" ? { code: "missing-input", retryable: false } : (codeOf(error.cause) ?? { code: "internal", retryable: false });
  // BuildKit's kind of failure, which stands before its words.
  const kind = exit?.outOfMemory === true ? "ResourceExhausted: " : "";
  return new BuildError(`failed to solve: ${kind}${error.message}`, { ...coded, excerpt, report, exitCode: exit?.exitCode }, { cause: error });
}

/** The first place in the Dockerfile that the step stands at. */
function vertexExcerpt(vertex: LlbVertex, dockerfile: DockerfileText | undefined): SourceExcerpt | undefined {
  const ranges = vertex.locations.find(({ ranges: found }) => found.length > 0)?.ranges ?? [];
  return excerptOf(dockerfile, ranges.flatMap(({ start }) => start?.line ?? []), ranges.flatMap(({ end }) => end?.line ?? []));
}

function excerptOf(dockerfile: DockerfileText | undefined, starts: readonly number[], ends: readonly number[]): SourceExcerpt | undefined {
  if (dockerfile === undefined || starts.length === 0) return undefined;
  return { ...dockerfile, startLine: Math.min(...starts), endLine: Math.max(...ends) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
