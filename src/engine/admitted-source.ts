import type { ResolveImageOptions } from "../frontend/gateway.ts";
import { formatReference, parseReference, tagNameOnly } from "../oci/reference.ts";
import { PolicyError, withPolicyPrefix } from "../policy/policy-error.ts";
import type { PolicySource } from "../policy/source-policy.ts";
import type { BuildServices } from "./build-services.ts";
import { servedFrontend, type WantedFrontend } from "./frontend-syntax.ts";

type Gated = Pick<BuildServices, "gate" | "platform" | "steps">;

const REFUSED = "could not resolve image due to policy";

/** A source that is looked up before there is a graph of it. Throws PolicyError in BuildKit's words. */
export async function admittedSource({ identifier, attrs }: PolicySource, { gate, platform }: Pick<Gated, "gate" | "platform">, signal: AbortSignal): Promise<PolicySource> {
  try {
    return await gate.admit({ identifier, attrs, platform }, signal);
  } catch (error) {
    throw withPolicyPrefix(error, REFUSED);
  }
}

/** The reference that policies have for this one. In a layout there is nothing else to be had. */
export async function admittedImage(ref: string, { platform, layout, logName }: Omit<ResolveImageOptions, "resolveMode">, { gate, steps }: Gated, signal: AbortSignal): Promise<string> {
  const scheme = layout === undefined ? "docker-image://" : "oci-layout://";
  const attrs: Record<string, string> = layout === undefined ? {} : { "oci.store": layout.storeId, "oci.session": layout.sessionId };
  const asked = { identifier: `${scheme}${formatReference(tagNameOnly(parseReference(ref)))}`, attrs };
  let admitted: PolicySource;
  try {
    admitted = await admittedSource(asked, { gate, platform }, signal);
  } catch (error) {
    // The step that could not be done is this one.
    if (error instanceof PolicyError) await steps.work(logName, () => Promise.reject(error));
    throw error;
  }
  const { identifier } = admitted;
  if (identifier === asked.identifier) return ref;
  if (layout === undefined && identifier.startsWith(scheme)) return identifier.slice(scheme.length);
  throw new PolicyError(`${REFUSED}: ${ref} is an image, and was converted to ${identifier}, which cannot stand in its place`);
}

/**
 * The frontend that a Dockerfile asks for; undefined for the built-in one. Where that stands for an image, policies are asked
 * about the image as if it were fetched: whoever denies it, or puts another in its place, means it.
 */
export async function admittedFrontend(wanted: WantedFrontend | undefined, attributes: ReadonlyMap<string, string>, services: Gated, signal: AbortSignal): Promise<WantedFrontend | undefined> {
  if (wanted === undefined || !servedFrontend(wanted, attributes)) return wanted;
  const source = await admittedImage(wanted.source, { platform: services.platform, logName: `resolve image config for docker-image://${formatReference(tagNameOnly(parseReference(wanted.source)))}` }, services, signal);
  return source === wanted.source ? undefined : { ...wanted, source };
}
