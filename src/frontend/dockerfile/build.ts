import type { SourceFile } from "../../llb/vertex.ts";
import type { FrontendRequest, FrontendResult, PlatformResult } from "../frontend.ts";
import type { Gateway, GatewayResult, ResolvedImage } from "../gateway.ts";
import { BuildContext, type DockerfileInput } from "./build-context.ts";
import { readBuildOptions, type BuildOptions } from "./build-options.ts";
import { CheckOptionError, parseCheckOptions, type CheckOptions } from "./check-options.ts";
import { ConversionError } from "./convert/conversion-error.ts";
import { convertDockerfile, type ConversionRequest } from "./convert/convert-dockerfile.ts";
import { findDirective } from "./directives.ts";
import { Findings } from "./findings.ts";
import type { FrontendMeans } from "./frontend-source.ts";
import { parseBool } from "./go-text.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import type { Finding, Warn } from "./parsed.ts";
import { parseDockerfile } from "./stages.ts";

/** A Dockerfile that was read, and what is needed to go on. */
export interface OpenDockerfile {
  readonly options: BuildOptions;
  readonly means: FrontendMeans;
  readonly context: BuildContext;
  readonly dockerfile: DockerfileInput;
}

/** Throws FrontendOptionError for the request, DockerfileError where there is no file. */
export async function openDockerfile(gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<OpenDockerfile> {
  checkRequest(request);
  const means: FrontendMeans = { gateway: rememberingImages(gateway), request };
  const options = readBuildOptions(request);
  const context = await BuildContext.open(means, signal);
  return { options, means, context, dockerfile: await context.readDockerfile(signal) };
}

/** The files of a context that is not here: undefined for one that is. Throws FrontendOptionError. */
export async function openRemoteFiles(gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<GatewayResult | undefined> {
  return await (await BuildContext.open({ gateway, request }, signal)).remoteFiles(signal);
}

/**
 * A Dockerfile compiled to one graph of build steps for each platform: read, checked, converted.
 * Throws FrontendOptionError for the request, DockerfileError for the file, and what the gateway throws.
 */
export async function buildDockerfile(gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<FrontendResult> {
  const warnings: Finding[] = [];
  return { ...(await convertDockerfileFor(await openDockerfile(gateway, request, signal), (finding) => warnings.push(finding), signal)), warnings };
}

/** The same for a Dockerfile that was read already. Each finding is told of as it is made: a file that fails has some too. */
export async function convertDockerfileFor(open: OpenDockerfile, warn: Warn, signal: AbortSignal): Promise<Omit<FrontendResult, "warnings">> {
  const results = await convertAll(open, warn, signal);
  const { filename, data } = open.dockerfile;
  return { results, multiPlatform: open.options.multiPlatform, dockerfile: { filename, data } };
}

/** What BuildKit once took and no longer does. */
function checkRequest({ opts, disabledCapabilities }: FrontendRequest): void {
  if (disabledCapabilities.has("file.base")) throw new FrontendOptionError("needs BuildKit 0.5 or later: requested prerelease feature file.base  is not supported by build server (added in BuildKit v0.5.0), please update buildkit");
  if ((opts.get("override-copy-image") ?? "") !== "") throw new FrontendOptionError(`support for "override-copy-image" was removed in BuildKit 0.11`);
  if (parseBool(opts.get("build-arg:BUILDKIT_DISABLE_FILEOP") ?? "") === true) {
    throw new FrontendOptionError(`support for "BUILDKIT_DISABLE_FILEOP" build-arg was removed in BuildKit 0.11`);
  }
}

async function convertAll(open: OpenDockerfile, warn: Warn, signal: AbortSignal): Promise<readonly PlatformResult[]> {
  const { request, checkOptions } = parseForConversion(open, warn);
  const platforms = open.options.targetPlatforms.length === 0 ? [undefined] : open.options.targetPlatforms;
  const silent = new Findings(checkOptions, undefined);
  const conversions = await Promise.allSettled(
    platforms.map(async (platform, at) => await convertDockerfile({ ...request, findings: at === 0 ? request.findings : silent, platform }, signal)),
  );
  // The first platform's failure, whichever was the first in time.
  return conversions.map((conversion) => {
    if (conversion.status === "rejected") throw conversion.reason;
    return conversion.value;
  });
}

/** The target of the file for the worker's own platform, to be changed at will. Throws DockerfileError. */
export function parseForConversion({ dockerfile, options, context, means }: OpenDockerfile, warn: Warn): { readonly request: ConversionRequest; readonly checkOptions: CheckOptions } {
  if (dockerfile.data.length === 0) throw new ConversionError("the Dockerfile cannot be empty");
  const checkOptions = options.checkOptions ?? directiveOptions(dockerfile.data);
  const findings = new Findings(checkOptions, warn);
  const parsed = parseDockerfile(dockerfile.data, (finding) => findings.take(finding));
  const sourceFile: SourceFile = { ...dockerfile, language: "Dockerfile" };
  return { request: { parsed, options, context, means, sourceFile, findings, platform: undefined, stages: "target" }, checkOptions };
}

/** `# check=` at the head of the file. */
function directiveOptions(data: Uint8Array): CheckOptions {
  try {
    return parseCheckOptions(findDirective("check", data)?.value ?? "");
  } catch (error) {
    if (error instanceof CheckOptionError) throw new ConversionError(`failed to parse check options: ${error.message}`, [], error);
    throw error;
  }
}

/** Several stages and platforms may have the same base: it is resolved once. */
function rememberingImages(gateway: Gateway): Gateway {
  const resolved = new Map<string, Promise<ResolvedImage>>();
  return {
    resolveImage: (ref, options, signal) => {
      const { logName: _shownOnly, ...asked } = options;
      const key = JSON.stringify([ref, asked]);
      const known = resolved.get(key) ?? gateway.resolveImage(ref, options, signal);
      resolved.set(key, known);
      return known;
    },
    solve: (definition, signal) => gateway.solve(definition, signal),
    ...(gateway.sourceTime === undefined ? {} : { sourceTime: gateway.sourceTime.bind(gateway) }),
  };
}
