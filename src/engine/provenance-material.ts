import { InvalidPlatformError, parsePlatform, type Platform } from "../oci/platform.ts";
import { formatReference, InvalidReferenceError, parseReference, tagNameOnly, withDigest } from "../oci/reference.ts";
import type { AskedSource } from "./policy-input.ts";

/** A material as a provenance names it. */
export interface NamedMaterial {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
}

/** As git and BuildKit take them; a file of this machine is none. */
const GIT = /^(?:git|ssh):\/\/|^[\w-]+@[\w.-]+:/;

/** What would be asked about it, were it a source of this build; undefined where buildx knows no such kind. It is fetched by whatever name the provenance has for it, without credentials for git. */
export function materialSource({ uri, digest }: NamedMaterial, platform: Platform): AskedSource | undefined {
  if (uri.startsWith("pkg:docker/")) return imageSource(uri, digest["sha256"], platform);
  if (GIT.test(uri)) return gitSource(uri, platform);
  if (!/^https?:\/\//.test(uri) || !URL.canParse(uri)) return undefined;
  return new URL(uri).pathname.toLowerCase().endsWith(".git") ? gitSource(uri, platform) : { identifier: uri, attrs: {}, platform };
}

function gitSource(uri: string, platform: Platform): AskedSource {
  const at = uri.indexOf("#");
  const [remote, fragment] = at === -1 ? [uri, ""] : [uri.slice(0, at), uri.slice(at)];
  return { identifier: `git://${remote.replace(/^\w+:\/\/(?:[^/@]*@)?|^[^@:/]+@/, "")}${fragment}`, attrs: { "git.fullurl": uri }, platform };
}

/** purl-spec, as BuildKit writes it: what a registry has, by tag or digest, with the platform. */
function imageSource(uri: string, sha256: string | undefined, platform: Platform): AskedSource | undefined {
  try {
    const [path = "", query = ""] = uri.slice("pkg:docker/".length).split("?");
    const at = path.lastIndexOf("@");
    const name = decodeURIComponent(at === -1 ? path : path.slice(0, at));
    const version = at === -1 ? "" : decodeURIComponent(path.slice(at + 1));
    const qualifiers = new URLSearchParams(query);
    const isDigest = version.startsWith("sha256:");
    const named = parseReference(isDigest || version === "" ? name : `${name}:${version}`);
    const digests = [isDigest ? version : undefined, qualifiers.get("digest") ?? undefined, sha256 === undefined ? undefined : `sha256:${sha256.trim().replace(/^sha256:/, "")}`].filter((each) => each !== undefined);
    // Two that contradict each other name nothing.
    if (new Set(digests).size > 1) return undefined;
    const [digest] = digests;
    const reference = digest === undefined ? tagNameOnly(named) : withDigest(named, digest);
    const told = qualifiers.get("platform");
    return { identifier: `docker-image://${formatReference(reference)}`, attrs: {}, platform: told === null ? platform : parsePlatform(told, platform) };
  } catch (error) {
    if (error instanceof URIError || error instanceof InvalidReferenceError || error instanceof InvalidPlatformError) return undefined;
    throw error;
  }
}
