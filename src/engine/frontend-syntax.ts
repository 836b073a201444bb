import type { Range } from "../frontend/dockerfile/source-range.ts";
import { detectSyntax } from "../frontend/dockerfile/directives.ts";
import { InvalidReferenceError, parseReference } from "../oci/reference.ts";

/** The frontend's minor version whose language ours is. A later one may know what ours does not. */
const MINOR_VERSION_MAX = 26;

const SERVED_PATHS = new Set(["docker/dockerfile", "docker/dockerfile-upstream"]);

/** Which frontend a Dockerfile is to be read by, and who says so. */
export interface WantedFrontend {
  /** The frontend's image. */
  readonly source: string;
  /** As it was written, with what stands behind the image. */
  readonly commandLine: string;
  /** Of the directive in the file; undefined for BUILDKIT_SYNTAX. */
  readonly location: readonly Range[] | undefined;
}

/** Undefined where none is named. To compile the text as something else than it says it is would be a silent lie. */
export function wantedFrontend(dockerfile: Uint8Array, attributes: ReadonlyMap<string, string>): WantedFrontend | undefined {
  // Who names a command line has been here before.
  if (attributes.has("cmdline")) return undefined;
  const wanted = fromArgument(attributes.get("build-arg:BUILDKIT_SYNTAX")) ?? fromFile(dockerfile);
  if (wanted === undefined || wanted.source === "" || wanted.source === "dockerfile.v0") return undefined;
  return wanted;
}

/** True where the built-in frontend is the one that is meant. */
export function servedFrontend({ source }: WantedFrontend, attributes: ReadonlyMap<string, string>): boolean {
  return isBuiltIn(source) && !attributes.has(`context:${source}`);
}

/** True for the images whose frontend is the one in here: docker/dockerfile up to the version that we know. */
export function isBuiltIn(source: string): boolean {
  const reference = parsed(source);
  if (reference === undefined) return false;
  const { domain, path, tag = "latest", digest } = reference;
  // A digest names one frontend's bytes; who pins them means those.
  if (domain !== "docker.io" || !SERVED_PATHS.has(path) || digest !== undefined) return false;
  const [, minor] = /^(?:latest|labs|master|1(?:\.(\d+)(?:\.\d+)?)?(?:-labs)?)$/.exec(tag) ?? [undefined, "none"];
  return minor === undefined || (minor !== "none" && Number(minor) <= MINOR_VERSION_MAX);
}

function parsed(source: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(source);
  } catch (error) {
    // Whoever looks the frontend up says what is wrong with its name.
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}

function fromArgument(argument: string | undefined): WantedFrontend | undefined {
  if (argument === undefined || argument === "") return undefined;
  return { source: argument.trim().split(" ")[0] ?? "", commandLine: argument, location: undefined };
}

function fromFile(dockerfile: Uint8Array): WantedFrontend | undefined {
  const found = detectSyntax(dockerfile);
  return found && { source: found.ref, commandLine: found.value, location: found.location };
}
