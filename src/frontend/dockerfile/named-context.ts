import { definitionOutput } from "../../llb/definition-output.ts";
import { imageSource, layoutSource, sourceOutput, webSource } from "../../llb/source-vertex.ts";
import { stateOf, withEnv, type State } from "../../llb/state.ts";
import { customName, lateOutput, type Output } from "../../llb/vertex.ts";
import { formatAllPlatform, normalizePlatform, type Platform } from "../../oci/platform.ts";
import { familiarString, formatReference, InvalidReferenceError, parseReference, tagNameOnly, withDigest } from "../../oci/reference.ts";
import type { DockerImage } from "./convert/docker-image.ts";
import { parseImage } from "./convert/parse-docker-image.ts";
import { ignoreFileOutput, parseIgnoreFile, readIgnoreBytes } from "./build-context.ts";
import { joinPath } from "./dockerfile-paths.ts";
import { followPaths, gitContext, localOutput, namedSource, type FrontendMeans } from "./frontend-source.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import { cut, quote, toLower } from "./go-text.ts";
import { llbPlatform } from "./llb-platform.ts";

/** What replaces a stage or an image under `--build-context`. */
export interface NamedContext {
  load(signal: AbortSignal): Promise<LoadedContext>;
}

export interface LoadedContext {
  readonly state: State;
  /** Undefined for plain files. */
  readonly image: DockerImage | undefined;
}

export interface ContextUse {
  /** Undefined for the worker's own. */
  readonly platform: Platform | undefined;
  readonly resolveMode: "default" | "pull" | "local";
  /** What is used of it, asked when all is converted; nothing asked for sends all. */
  readonly usedPaths: () => ReadonlySet<string>;
}

interface Found {
  /** Name, with the platform where the context is for that alone. */
  readonly name: string;
  readonly plainName: string;
  readonly value: string;
}

/** The context given for an image's or a stage's name. Throws DockerfileError for a name that no image can have. */
export function findNamedContext(text: string, use: ContextUse, means: FrontendMeans): NamedContext | undefined {
  if (["scratch", "context"].includes(toLower(text))) return undefined;
  const plainName = contextName(text);
  const platform = formatAllPlatform(normalizePlatform(use.platform ?? means.request.hostPlatform));
  for (const name of [`${plainName}::${platform}`, plainName]) {
    const value = means.request.opts.get(`context:${name}`);
    if (value !== undefined) return { load: (signal) => load({ name, plainName, value }, use, means, signal) };
  }
  return undefined;
}

function contextName(text: string): string {
  try {
    return familiarString(parseReference(text)).replace(/:latest$/, "");
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new DockerfileError("conversion", `invalid context name ${text}: ${error.message}`, []);
    throw error;
  }
}

async function load(found: Found, use: ContextUse, means: FrontendMeans, signal: AbortSignal): Promise<LoadedContext> {
  const { before: scheme, after: rest, found: hasScheme } = cut(found.value, ":");
  if (!hasScheme) throw new FrontendOptionError(`invalid context specifier ${found.value} for ${found.name}`);
  switch (scheme.startsWith("git@") ? "git" : scheme) {
    case "docker-image":
      return await loadImage(found, rest.replace(/^\/\//, ""), { use, means }, signal);
    case "git":
      return plain(gitContext(found.value, false, ""), `invalid git context ${found.value}`);
    case "http":
    case "https":
      return plain(gitContext(found.value, false, "") ?? namedSource(webSource({ url: found.value, filename: "context", checksum: "" }), `[context ${found.name}] ${found.value}`), "");
    case "oci-layout":
      return await loadLayout(found, rest.replace(/^\/\//, ""), { use, means }, signal);
    case "local":
      return await loadLocal(found, rest, { use, means }, signal);
    case "input":
      return loadInput(found, rest, { use, means });
    default:
      throw new FrontendOptionError(`unsupported context source ${scheme} for ${found.name}`);
  }
}

interface Means {
  readonly use: ContextUse;
  readonly means: FrontendMeans;
}

function plain(output: Output | undefined, complaint: string): LoadedContext {
  if (output === undefined) throw new FrontendOptionError(complaint);
  return { state: stateOf(output), image: undefined };
}

async function loadImage(found: Found, ref: string, { use, means }: Means, signal: AbortSignal): Promise<LoadedContext> {
  if (ref === "scratch") return { state: stateOf(undefined), image: undefined };
  const platform = use.platform ?? means.request.workerPlatforms[0] ?? means.request.hostPlatform;
  const options = { platform, resolveMode: use.resolveMode, logName: `[context ${found.name}] load metadata for ${ref}` };
  const resolved = await means.gateway.resolveImage(formatReference(tagNameOnly(parseReference(ref))), options, signal);
  const source = imageSource(formatReference(tagNameOnly(parseReference(resolved.ref))), "default");
  const output = sourceOutput(source, { description: customName(`[context ${found.name}] ${ref}`), ...platformDetail(use.platform) });
  return withImage(output, resolved.config, use.platform);
}

async function loadLayout(found: Found, text: string, { use, means }: Means, signal: AbortSignal): Promise<LoadedContext> {
  const { name: storeId, digest } = parseLayoutReference(text);
  const shown = withDigest(parseReference(found.plainName), digest);
  const platform = use.platform ?? means.request.workerPlatforms[0] ?? means.request.hostPlatform;
  const layout = { sessionId: means.request.sessionId, storeId };
  const logName = `[context ${found.name}] load metadata for ${formatReference(shown)}`;
  const { config } = await means.gateway.resolveImage(formatReference(shown), { platform, resolveMode: use.resolveMode, logName, layout }, signal);
  const details = { description: customName(`[context ${found.name}] OCI load from client`), ...platformDetail(use.platform) };
  return withImage(sourceOutput(layoutSource(formatReference(shown), layout), details), config, use.platform);
}

/** A graph that came with the request, and perhaps the configuration of the image that it makes. */
function loadInput(found: Found, name: string, { use, means: { request } }: Means): LoadedContext {
  const definition = request.inputs.get(name);
  if (definition === undefined) throw new FrontendOptionError(`invalid input ${name} for ${found.name}`);
  const output = definitionOutput(definition);
  const metadata = request.opts.get(`input-metadata:${name}`);
  const config = metadata === undefined ? undefined : inputConfig(metadata);
  return output === undefined || config === undefined ? { state: stateOf(output), image: undefined } : withImage(output, config, use.platform);
}

/** Go's form of a map of bytes: base64 texts. Throws FrontendOptionError. */
function inputConfig(metadata: string): Uint8Array | undefined {
  try {
    const members: unknown = JSON.parse(metadata);
    const config: unknown = typeof members === "object" && members !== null && "containerimage.config" in members ? members["containerimage.config"] : undefined;
    return typeof config === "string" ? Buffer.from(config, "base64") : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) throw new FrontendOptionError(`failed to parse input metadata ${metadata}: ${error.message}`);
    throw error;
  }
}

function platformDetail(platform: Platform | undefined): { readonly platform?: ReturnType<typeof llbPlatform> } {
  return platform === undefined ? {} : { platform: llbPlatform(platform) };
}

/** The tree with the environment that its image's configuration gives. */
function withImage(output: Output, config: Uint8Array, platform: Platform | undefined): LoadedContext {
  const { image } = parseImage(config);
  const named = image.platform.os === "" || image.platform.architecture === "" ? platform : image.platform;
  let state = stateOf(output, named === undefined ? undefined : llbPlatform(normalizePlatform(named)));
  for (const variable of image.config.env) {
    const { before, after } = cut(variable, "=");
    if (before !== "") state = withEnv(state, before, after);
  }
  const dir = image.config.workingDir;
  return { state: { ...state, dir: dir.startsWith("/") ? dir : joinPath("/", dir) }, image };
}

async function loadLocal(found: Found, directory: string, { use, means }: Means, signal: AbortSignal): Promise<LoadedContext> {
  const ignoreFile = ignoreFileOutput(directory, `context:${found.name}-.dockerignore`, `[context ${found.name}] load .dockerignore`, means);
  const excludePatterns = parseIgnoreFile({ name: ".dockerignore", data: await readIgnoreBytes(ignoreFile, means, signal) });
  const sharedKey = means.request.opts.get(`sharedkey:localdir:${found.name}`) ?? "";
  const local = { name: directory, sharedKeyHint: `context:${found.name}-${sharedKey}`, stepName: `[context ${found.name}] load from client`, sendsAll: false };
  let output: Output | undefined;
  const find = (): Output => (output ??= localOutput({ ...local, followPaths: followPaths(use.usedPaths()), excludePatterns }, means));
  return { state: stateOf(lateOutput(find)), image: undefined };
}

const LAYOUT_REFERENCE = /^([a-zA-Z0-9][a-zA-Z0-9._/:-]*?)(?::[\w][\w.-]{0,127})?(?:@([a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?$/;

function parseLayoutReference(text: string): { readonly name: string; readonly digest: string } {
  const [, name, digest] = LAYOUT_REFERENCE.exec(text) ?? [];
  if (name === undefined) throw new FrontendOptionError(`could not parse oci-layout reference ${quote(text)}: invalid reference format`);
  if (digest === undefined) throw new FrontendOptionError(`oci-layout reference ${quote(text)} has no digest`);
  return { name, digest };
}
