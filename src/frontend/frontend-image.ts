import type { Digest } from "../content/digest.ts";
import { imageSource, sourceOutput } from "../llb/source-vertex.ts";
import type { Definition } from "../llb/definition.ts";
import { formatReference, parseReference, tagNameOnly, withDigest } from "../oci/reference.ts";
import type { DockerConfig } from "./dockerfile/convert/docker-image.ts";
import { parseImage } from "./dockerfile/convert/parse-docker-image.ts";
import { ownDefinition, type FrontendMeans } from "./dockerfile/frontend-source.ts";
import { findNamedContext } from "./dockerfile/named-context.ts";
import { FrontendOptionError } from "./dockerfile/frontend-option-error.ts";

/** A frontend that is an image: BuildKit's `gateway.v0` with its `source`. */
export interface FrontendImage {
  /** As it was asked for. */
  readonly source: string;
  readonly definition: Definition;
  readonly config: DockerConfig;
  /** Undefined where it comes from a context that has none. */
  readonly digest: Digest | undefined;
}

/** Looks the image up; a named context of its name stands in for it. Throws FrontendOptionError, InvalidReferenceError, and what the gateway throws. */
export async function findFrontendImage(source: string, means: FrontendMeans, signal: AbortSignal): Promise<FrontendImage> {
  const context = findNamedContext(source, { platform: undefined, resolveMode: "default", usedPaths: () => new Set() }, means);
  if (context !== undefined) {
    const { state, image } = await context.load(signal);
    if (state.output === undefined || image === undefined) throw new FrontendOptionError(`the context given for ${source} is no image: a frontend is started as its configuration says`);
    return { source, definition: ownDefinition(state.output, means), config: image.config, digest: undefined };
  }
  const reference = formatReference(tagNameOnly(parseReference(source)));
  const options = { platform: means.request.hostPlatform, isMachines: true, resolveMode: "default", logName: `resolve image config for docker-image://${reference}` } as const;
  const { ref, digest, config } = await means.gateway.resolveImage(reference, options, signal);
  const resolved = parseReference(ref);
  const pinned = formatReference(digest === undefined ? resolved : withDigest(resolved, digest));
  return { source, definition: ownDefinition(sourceOutput(imageSource(pinned, "default"), {}), means), config: parseImage(config).image.config, digest };
}

/** What a frontend must be able to do beyond compiling; told in a label of its image. */
export const FRONTEND_CAPABILITIES_LABEL = "moby.buildkit.frontend.caps";

/** Throws FrontendOptionError for what the request needs and the frontend does not say that it can. */
export function requireFrontendCapabilities({ config }: FrontendImage, needed: readonly string[]): void {
  const known = new Set(config.labels.get(FRONTEND_CAPABILITIES_LABEL)?.split(",") ?? []);
  const lacking = needed.find((name) => !known.has(name));
  if (lacking !== undefined) throw new FrontendOptionError(`unsupported frontend capability ${lacking}`);
}
