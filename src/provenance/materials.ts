import type { Capture } from "./capture.ts";
import { imagePurl } from "./purl.ts";

/** A thing that went into the build: in-toto's resource descriptor, of which BuildKit fills two members. */
export interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>> | undefined;
}

/** Images, then git, then http, each in the order of a settled capture. Local files have no place that others could look at. */
export function materialsOf(capture: Capture): readonly Material[] {
  const images = capture.images.map(({ ref, platform, digest, layout }) => ({ uri: imagePurl(layout ? "oci" : "docker", ref, platform), digest: digest === undefined ? undefined : digestSet(digest) }));
  const git = capture.git.map(({ url, commit }) => ({ uri: url, digest: commitDigestSet(commit) }));
  const http = capture.http.map(({ url, digest }) => ({ uri: url, digest: digestSet(digest) }));
  return [...images, ...git, ...http];
}

/** in-toto's digest set: `{"sha256": "…"}`. */
export function digestSet(digest: string): Readonly<Record<string, string>> {
  const colon = digest.indexOf(":");
  return { [digest.slice(0, colon)]: digest.slice(colon + 1) };
}

/** A commit's algorithm is told by its length. */
export function commitDigestSet(commit: string): Readonly<Record<string, string>> {
  return commit.length === 64 ? { sha256: commit } : { sha1: commit };
}
