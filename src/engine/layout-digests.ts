import { openOciLayout } from "../registry/oci-layout.ts";
import type { BuildPlan, NamedContext } from "./build-plan.ts";
import { RequestError } from "./request-error.ts";

/**
 * The plan with a digest for each OCI layout: a tag means what it means when the build begins, and the frontend is told the
 * digest, as buildx tells it. Throws RequestError "missing-input", and RegistryError for what is no layout.
 */
export async function withLayoutDigests(plan: BuildPlan, signal: AbortSignal): Promise<BuildPlan> {
  return { ...plan, namedContexts: await Promise.all(plan.namedContexts.map((context) => withDigest(context, signal))) };
}

async function withDigest(context: NamedContext, signal: AbortSignal): Promise<NamedContext> {
  if (context.kind !== "oci-layout" || context.digest !== undefined) return context;
  await using layout = await openOciLayout(context.path, signal);

  const named = await layout.resolve(context.tag ?? "latest", signal);
  // A layout with one image needs no tag to tell it from others.
  const found = named ?? (context.tag === undefined ? await layout.only(signal) : undefined);
  if (found === undefined) throw new RequestError("missing-input", `build context ${context.name}: oci-layout://${context.path} has no image ${context.tag ?? "latest"}`);
  return { ...context, digest: found.digest };
}
