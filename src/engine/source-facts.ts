import { parseReference, tagNameOnly } from "../oci/reference.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import type { BuildServices } from "./build-services.ts";
import { gitObjectFacts } from "./git-object-facts.ts";
import { httpRequest } from "./operations.ts";
import { lookupOf, namedRef, type AskedSource, type Lookup, type SourceFacts } from "./policy-input.ts";

export type FactServices = Pick<BuildServices, "images" | "layouts" | "http" | "git">;

/** A source, with the member of its input that a policy asks for. */
export interface WantedFact {
  readonly source: AskedSource;
  readonly known: SourceFacts;
  /** `git.commit`. */
  readonly field: string;
}

/** Looks a source up, since a policy wants to know of it what is not known yet. Throws what the source throws, and PolicyError for what cannot be told. */
export async function sourceFacts({ source, known, field }: WantedFact, services: FactServices, signal: AbortSignal): Promise<SourceFacts> {
  const [scheme, rest] = schemeOf(source);
  const [, kind = "", member = ""] = /^(\w+)\.(\w+)/.exec(field) ?? [];
  const lookup = kind === "image" || kind === "git" ? lookupOf(kind, member) : "basics";
  const found = { ...known, lookups: new Set<Lookup>([...known.lookups, lookup]) };
  if (lookup === "provenance" || lookup === "signatures") throw new PolicyError(`the policy asks for input.${field}, which cannot be told: attestations of images are not read in a build`);
  if (lookup === "objects") {
    const { members, signed } = gitObjectFacts(await services.git.objects(parseGitRequest(rest, source.attrs), signal));
    return { ...found, signed, members: { ...known.members, ...members } };
  }
  return { ...found, members: { ...known.members, ...(await basics(source, scheme, { rest, services }, signal)) } };
}

async function basics(source: AskedSource, scheme: string, { rest, services }: { readonly rest: string; readonly services: FactServices }, signal: AbortSignal): Promise<SourceFacts["members"]> {
  const { identifier, attrs, platform } = source;
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

function schemeOf({ identifier }: AskedSource): readonly [string, string] {
  const at = identifier.indexOf("://");
  return [identifier.slice(0, at), identifier.slice(at + "://".length)];
}

function configFacts(bytes: Uint8Array): SourceFacts["members"] {
  // The digest was checked; what it says is the registry's word for an image.
  const { created, config } = JSON.parse(Buffer.from(bytes).toString("utf8")) as ImageConfig;
  return { createdTime: created, env: config?.Env, labels: config?.Labels, user: config?.User, volumes: Object.keys(config?.Volumes ?? {}).toSorted(), workingDir: config?.WorkingDir };
}
