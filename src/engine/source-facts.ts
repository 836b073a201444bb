import { parseReference, tagNameOnly } from "../oci/reference.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import type { BuildServices } from "./build-services.ts";
import { httpRequest } from "./operations.ts";
import { namedRef, type AskedSource, type SourceFacts } from "./policy-input.ts";

/** Looks a source up, since a policy wants to know of it what its name does not say. Throws what the source throws. */
export async function sourceFacts({ identifier, attrs, platform }: AskedSource, services: Pick<BuildServices, "images" | "layouts" | "http" | "git">, signal: AbortSignal): Promise<SourceFacts> {
  const at = identifier.indexOf("://");
  const [scheme, rest] = [identifier.slice(0, at), identifier.slice(at + "://".length)];
  if (scheme === "docker-image" || scheme === "oci-layout") {
    const images = scheme === "docker-image" ? services.images : services.layouts(attrs["oci.store"] ?? "");
    const { digest, config, hasAttestations } = await images.pin(tagNameOnly(parseReference(rest)), platform, signal);
    return { checksum: digest, hasProvenance: hasAttestations, ...configFacts(config) };
  }
  if (scheme === "git") {
    const { ref, hash, commit } = await services.git.resolve(parseGitRequest(rest, attrs), signal);
    return { ...namedRef(ref), checksum: hash, commitChecksum: commit ?? hash, isAnnotatedTag: commit !== undefined && commit !== hash, isSHA256: hash.length === 64 };
  }
  return { checksum: (await fetchHttpFile(httpRequest({ identifier, attrs }), services.http, signal)).digest };
}

function configFacts(bytes: Uint8Array): SourceFacts {
  // The digest was checked; what it says is the registry's word for an image.
  const { created, config } = JSON.parse(Buffer.from(bytes).toString("utf8")) as ImageConfig;
  return { createdTime: created, env: config?.Env, labels: config?.Labels, user: config?.User, volumes: Object.keys(config?.Volumes ?? {}).toSorted(), workingDir: config?.WorkingDir };
}
