import { detectSyntax } from "../frontend/dockerfile/directives.ts";
import { parseReference } from "../oci/reference.ts";
import { RequestError } from "./request-error.ts";

/** The frontend's minor version whose language ours is. A later one may know what ours does not. */
const MINOR_VERSION_MAX = 26;

const SERVED_PATHS = new Set(["docker/dockerfile", "docker/dockerfile-upstream"]);

/**
 * Throws RequestError where a Dockerfile, or BUILDKIT_SYNTAX, asks for a frontend that is not the one built in:
 * compiling the text as something else than it says it is would be a silent lie.
 */
export function requireBuiltInSyntax(dockerfile: Uint8Array, attributes: ReadonlyMap<string, string>): void {
  const argument = attributes.get("build-arg:BUILDKIT_SYNTAX");
  const wanted = argument !== undefined && argument !== "" ? argument : detectSyntax(dockerfile)?.ref;
  if (wanted === undefined || wanted === "" || wanted === "dockerfile.v0" || isServed(wanted)) return;
  throw new RequestError("usage", `frontend ${wanted} is not supported yet: the built-in one serves docker/dockerfile up to 1.${MINOR_VERSION_MAX}; remove the # syntax line, or set --build-arg BUILDKIT_SYNTAX=dockerfile.v0`);
}

function isServed(text: string): boolean {
  const { domain, path, tag = "latest", digest } = parseReference(text);
  // A digest names one frontend's bytes; who pins them means those.
  if (domain !== "docker.io" || !SERVED_PATHS.has(path) || digest !== undefined) return false;
  const [, minor] = /^(?:latest|labs|master|1(?:\.(\d+)(?:\.\d+)?)?(?:-labs)?)$/.exec(tag) ?? [undefined, "none"];
  return minor === undefined || (minor !== "none" && Number(minor) <= MINOR_VERSION_MAX);
}
