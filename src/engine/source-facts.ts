import type { Environment } from "../host/environment.ts";
import { parseReference, tagNameOnly } from "../oci/reference.ts";
import type { ImageConfig } from "../oci/image-config.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { parseGitRequest } from "../source/git-request.ts";
import { fetchHttpFile } from "../source/http.ts";
import type { ImageSource } from "../source/image.ts";
import { TrustError } from "../trust/trust-error.ts";
import type { BuildServices } from "./build-services.ts";
import { gitObjectFacts } from "./git-object-facts.ts";
import { withStatements } from "./hardened-image.ts";
import { PROVENANCE_TYPES, readProvenance } from "./image-provenance.ts";
import { imageSignatures, type ImageSignatures } from "./image-signatures.ts";
import { httpRequest } from "./operations.ts";
import { materialSource } from "./provenance-material.ts";
import { lookupOf, namedRef, NO_FACTS, type AskedSource, type Lookup, type SourceFacts } from "./policy-input.ts";

export interface FactServices extends Pick<BuildServices, "images" | "layouts" | "http" | "git"> {
  readonly env: Environment;
}

/** A source, with the member of its input that a policy asks for. */
export interface WantedFact {
  readonly source: AskedSource;
  readonly known: SourceFacts;
  /** `git.commit`. */
  readonly field: string;
  /** Told of what was found, and does not hold. */
  readonly tell: (message: string) => void;
}

/** How far one may ask for materials of materials: buildx's bound. */
const DEPTH_MAX = 24;

const MATERIAL = /^image\.provenance\.materials\[(\d+)\]\./;

/** Looks a source up, since a policy wants to know of it what is not known yet. Throws what the source throws, and PolicyError for what cannot be told. */
export async function sourceFacts(wanted: WantedFact, services: FactServices, signal: AbortSignal): Promise<SourceFacts> {
  return await factsAt(wanted, { services, depth: 0 }, signal);
}

interface Looking {
  readonly services: FactServices;
  readonly depth: number;
}

async function factsAt({ source, known, field, tell }: WantedFact, { services, depth }: Looking, signal: AbortSignal): Promise<SourceFacts> {
  if (depth > DEPTH_MAX) throw new PolicyError(`provenance materials depth exceeds limit ${DEPTH_MAX}`);
  const [prefix = "", index] = MATERIAL.exec(field) ?? [];
  const material = index === undefined ? undefined : known.materials[Number(index)];
  if (material !== undefined) {
    const facts = await factsAt({ source: material.source, known: material.facts, field: field.slice(prefix.length), tell }, { services, depth: depth + 1 }, signal);
    return { ...known, materials: known.materials.with(Number(index), { source: material.source, facts }) };
  }
  const [, kind = "", member = ""] = /^(\w+)\.(\w+)/.exec(field) ?? [];
  const lookup = kind === "image" || kind === "git" ? lookupOf(kind, member) : "basics";
  const found = await lookUp(lookup, { source, known, field, tell }, services, signal);
  return { ...known, ...found, lookups: new Set<Lookup>([...known.lookups, ...(WITH[lookup] ?? []), lookup]), members: { ...known.members, ...found.members } };
}

/** What one lookup tells besides. */
const WITH: Readonly<Partial<Record<Lookup, readonly Lookup[]>>> = { objects: ["basics"], provenance: ["attestation"], signatures: ["attestation"] };

async function lookUp(lookup: Lookup, { source, field, tell }: WantedFact, services: FactServices, signal: AbortSignal): Promise<Partial<SourceFacts>> {
  const [scheme, rest] = schemeOf(source);
  switch (lookup) {
    case "basics":
      return { members: await basics(source, scheme, { rest, services }, signal) };
    case "objects": {
      const { members, signed } = gitObjectFacts(await services.git.objects(parseGitRequest(rest, source.attrs), signal));
      return { signed, members: { ...(await basics(source, scheme, { rest, services }, signal)), ...members } };
    }
    case "attestation":
    case "provenance":
    case "signatures":
      return await attestationFacts(lookup, { source, field, tell }, { images: imagesOf(source, services), rest, env: services.env }, signal);
  }
}

interface ImageLooking {
  readonly images: ImageSource;
  readonly rest: string;
  readonly env: Environment;
}

async function attestationFacts(lookup: Lookup, { source, field, tell }: Omit<WantedFact, "known">, { images, rest, env }: ImageLooking, signal: AbortSignal): Promise<Partial<SourceFacts>> {
  const pinned = await withStatements(images, await images.pin(tagNameOnly(parseReference(rest)), source.platform, signal), signal);
  const members = { checksum: pinned.digest, hasProvenance: pinned.attestation !== undefined };
  if (lookup === "attestation") return { members };
  if (lookup === "signatures") return { members: { ...members, signatures: await signaturesOf({ images, pinned }, { field, env, tell }, signal) } };
  const provenance = readProvenance(await images.statements(pinned, PROVENANCE_TYPES, signal), pinned.manifestDigest);
  if (provenance === undefined) return { members };
  const sources = provenance.materials.map((material) => materialSource(material, source.platform)).filter((material) => material !== undefined);
  return { members: { ...members, provenance: provenance.members }, materials: sources.map((material) => ({ source: material, facts: NO_FACTS })) };
}

function imagesOf({ identifier, attrs }: AskedSource, services: FactServices): ImageSource {
  return identifier.startsWith("oci-layout://") ? services.layouts(attrs["oci.store"] ?? "") : services.images;
}

async function signaturesOf(image: ImageSignatures, { field, env, tell }: Pick<WantedFact, "field" | "tell"> & { readonly env: Environment }, signal: AbortSignal): Promise<readonly object[]> {
  try {
    return await imageSignatures(image, { env, tell }, signal);
  } catch (error) {
    if (error instanceof TrustError) throw new PolicyError(`the policy asks for input.${field}, which cannot be told: ${error.message}`, { cause: error });
    throw error;
  }
}

async function basics(source: AskedSource, scheme: string, { rest, services }: { readonly rest: string; readonly services: FactServices }, signal: AbortSignal): Promise<SourceFacts["members"]> {
  const { identifier, attrs, platform } = source;
  if (scheme === "docker-image" || scheme === "oci-layout") {
    const { digest, config } = await imagesOf(source, services).pin(tagNameOnly(parseReference(rest)), platform, signal);
    return { checksum: digest, ...configFacts(config) };
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
  return { createdTime: created?.replace(/\.\d+(?=Z$|[+-])/, ""), env: config?.Env, labels: config?.Labels, user: config?.User, volumes: Object.keys(config?.Volumes ?? {}).toSorted(), workingDir: config?.WorkingDir };
}
