import { formatAllPlatform } from "../oci/platform.ts";
import type { BuildPlan, NamedContext } from "./build-plan.ts";
import { dockerfileName } from "./planned-dockerfile.ts";
import { UPLOAD_URL } from "./stream-context.ts";

/** Names what a frontend must understand of a request. */
export const CAPABILITIES_OPTION = "frontend.caps";

/**
 * The request to the frontend as BuildKit's clients send it: these words stand in its LLB and in
 * the provenance.
 */
export function frontendAttributes(plan: BuildPlan): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  const remote = plan.context.kind === "archive" ? UPLOAD_URL : plan.context.kind === "remote" ? plan.context.url : undefined;
  if (remote !== undefined) attributes.set("context", remote);
  // Else it is looked for in the context itself. Where that is no question, buildx says it of a Dockerfile without a name too; a frontend could then hand on none that it made.
  if (remote !== undefined && plan.dockerfile.kind !== "in-context") attributes.set("dockerfilekey", "dockerfile");
  attributes.set("filename", dockerfileName(plan.dockerfile));
  if (plan.target !== undefined) attributes.set("target", plan.target);
  for (const [name, value] of plan.buildArgs) attributes.set(`build-arg:${name}`, value);
  for (const [name, value] of plan.labels) attributes.set(`label:${name}`, value);
  for (const context of plan.namedContexts) attributes.set(`context:${context.name}`, contextValue(context));
  if (plan.platforms.length > 0) attributes.set("platform", plan.platforms.map(formatAllPlatform).join(","));
  for (const [key, value] of plan.steps) attributes.set(key, value);
  if (plan.pull) attributes.set("image-resolve-mode", "pull");
  if (plan.network !== "default") attributes.set("force-network-mode", plan.network);
  const capabilities = neededCapabilities(plan);
  if (capabilities.length > 0) attributes.set(CAPABILITIES_OPTION, capabilities.join(","));
  return attributes;
}

/** What a frontend must understand to make of the request what is meant, as buildx tells it; `+forward`: so must one that the Dockerfile asks for. */
function neededCapabilities({ context, namedContexts }: BuildPlan): readonly string[] {
  return [
    ...(namedContexts.length > 0 ? ["moby.buildkit.frontend.contexts+forward"] : []),
    ...(context.kind === "remote" && hasQuery(context.url) ? ["moby.buildkit.frontend.gitquerystring"] : []),
    ...(namedContexts.some((named) => named.kind === "remote" && hasQuery(named.url)) ? ["moby.buildkit.frontend.gitquerystring+forward"] : []),
  ];
}

function hasQuery(url: string): boolean {
  return /^[^#?]*\?[^#]/.test(url);
}

/** Name under which the session lends a named context. */
export function contextDirectoryName(name: string): string {
  return name === "context" || name === "dockerfile" ? `_${name}` : name;
}

function contextValue(context: NamedContext): string {
  switch (context.kind) {
    case "directory":
      return `local:${contextDirectoryName(context.name)}`;
    case "remote":
      return context.url;
    case "image":
      return `docker-image://${context.reference}`;
    case "oci-layout": {
      const tag = context.tag === undefined ? "" : `:${context.tag}`;
      const digest = context.digest === undefined ? "" : `@${context.digest}`;
      return `oci-layout://${layoutStoreId(context.name)}${tag}${digest}`;
    }
  }
}

/** A reference-like name for a layout, since the frontend parses it as one. */
export function layoutStoreId(name: string): string {
  return `layout-${Buffer.from(name).toString("hex")}`;
}
