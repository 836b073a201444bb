import { redactUrl } from "../scrub/url.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import type { Capture } from "./capture.ts";
import { nonEmptyObject, sortedObject, type JsonObject } from "./json-tree.ts";
import { commitDigestSet, digestSet } from "./materials.ts";

/** A request to a frontend, with its options as they go over the wire (`build-arg:X`, `filename`, `vcs:source` …). */
export interface FrontendRequest {
  /** Empty for a client that drives the build itself, as buildx and our own command do at the root. */
  readonly frontend: string;
  readonly args: Readonly<Record<string, string>>;
  /** What made the graphs that it was given, by the names that they have in it, as far as that is known. */
  readonly inputs: ReadonlyMap<string, FrontendRequest>;
}

export interface ConfigSource {
  readonly uri: string | undefined;
  readonly digest: Readonly<Record<string, string>> | undefined;
  /** Name of the Dockerfile within it. */
  readonly path: string | undefined;
}

/** A request as the record tells it. */
export interface RequestRecord {
  readonly configSource: ConfigSource;
  readonly frontend: string;
  readonly args: Readonly<Record<string, string>>;
  readonly inputs: ReadonlyMap<string, RequestRecord>;
}

/** Options that speak of the host, or of where the build's inputs and outputs are, not of the build (anchor B1). */
const LEFT_OUT: ReadonlySet<string> = new Set(["cgroup-parent", "image-resolve-mode", "platform", "cache-imports"]);

export function requestRecord({ frontend, args, inputs }: FrontendRequest, capture: Capture): RequestRecord {
  const contextKey = contextKeyOf(args);
  const context = args[contextKey];
  const filename = args["filename"];
  const kept = Object.entries(args).filter(([key, value]) => !LEFT_OUT.has(key) && !key.startsWith("attest:") && !(value !== "" && (key === contextKey || key === "filename")));
  return {
    configSource: {
      ...(context === undefined || context === "" ? { uri: undefined, digest: undefined } : contextSource(context, capture)),
      path: filename === undefined || filename === "" ? undefined : filename,
    },
    frontend,
    args: Object.fromEntries(kept),
    inputs: new Map([...inputs].map(([name, input]) => [name, requestRecord(input, capture)])),
  };
}

function contextKeyOf(args: Readonly<Record<string, string>>): string {
  return args["contextkey"] || (args["input:context"] ? "input:context" : "context");
}

/** The `vcs:` options, which the client found in the repository of the context, under their own names. */
export function vcsOf({ args }: RequestRecord): JsonObject | undefined {
  const vcs = Object.entries(args).filter(([key, value]) => key.startsWith("vcs:") && value !== "");
  return nonEmptyObject(sortedObject(vcs.map(([key, value]) => [key.slice("vcs:".length), value])));
}

export function withoutVcs(record: RequestRecord): RequestRecord {
  return { ...record, args: Object.fromEntries(Object.entries(record.args).filter(([key]) => !key.startsWith("vcs:"))) };
}

/** Undefined when the root tells nothing that the request does not tell. */
export function distinctRoot(root: RequestRecord, request: RequestRecord): RequestRecord | undefined {
  if (root.frontend === "" && Object.keys(root.args).length === 0) return undefined;
  return JSON.stringify(comparable(root)) === JSON.stringify(comparable(request)) ? undefined : root;
}

export function configSourceJson({ uri, digest, path }: ConfigSource): JsonObject {
  return { uri, digest, path };
}

/** A request as one within another: of an input, or of the client. */
export function nestedRequestJson({ configSource, frontend, args, inputs }: RequestRecord): JsonObject {
  return { configSource: configSourceJson(configSource), request: { frontend: frontend === "" ? undefined : frontend, args: argsJson(args), inputs: inputsJson(inputs) } };
}

export function inputsJson(inputs: RequestRecord["inputs"]): JsonObject | undefined {
  return nonEmptyObject(sortedObject([...inputs].map(([name, input]) => [name, nestedRequestJson(input)])));
}

export function argsJson(args: Readonly<Record<string, string>>): JsonObject | undefined {
  return nonEmptyObject(sortedObject(Object.entries(args)));
}

function comparable({ configSource, frontend, args, inputs }: RequestRecord): unknown {
  return [configSource, frontend, sortedObject(Object.entries(args)), inputsJson(inputs)];
}

/** Learns the secrets among the options, so that they are found elsewhere too. */
export function learnRequest({ args, inputs }: FrontendRequest, scrubber: Scrubber): void {
  for (const input of inputs.values()) learnRequest(input, scrubber);
  for (const [key, value] of Object.entries(args)) {
    const name = variableName(key);
    if (name !== undefined) scrubber.learnVariable(name, value);
    else scrubber.learnText(value);
  }
}

/** Of an option that sets a variable or a label. */
export function variableName(key: string): string | undefined {
  return /^(?:build-arg|label):(.+)$/s.exec(key)?.[1];
}

/** A remote context is also a source, whose pin is the context's. A subdirectory (`#ref:directory`) belongs to the context alone. */
function contextSource(context: string, { git, http }: Capture): Pick<ConfigSource, "uri" | "digest"> {
  const repository = redactUrl(context.replace(/(#[^:]*):.*$/s, "$1").replace(/#$/, ""));
  const commit = git.find(({ url }) => redactUrl(url) === repository)?.commit;
  if (commit !== undefined) return { uri: context, digest: commitDigestSet(commit) };
  const body = http.find(({ url }) => redactUrl(url) === redactUrl(context))?.digest;
  return { uri: context, digest: body === undefined ? undefined : digestSet(body) };
}
