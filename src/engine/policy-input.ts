import { familiarName, formatReference, parseReference, repositoryName } from "../oci/reference.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";
import type { PolicyInput } from "../policy/build-policy.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { isCommitHash } from "../source/git-request.ts";

/** A source that somebody wants to use. */
export interface AskedSource {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly platform: Platform;
}

/** What looking the source up has told, by the members of its input. */
export type SourceFacts = Readonly<Record<string, unknown>>;

const LOOKED_UP = ["hasProvenance", "createdTime", "env", "labels", "user", "volumes", "workingDir"];
const UNTOLD_OF_IMAGES = {
  provenance: "attestations of images are not read in a build",
  signatures: "signatures of images are not verified in a build",
};
const UNTOLD_OF_GIT = { tag: "objects of repositories are not read for policies", commit: "objects of repositories are not read for policies" };

/** The source as buildx shows it to policies. Without facts, what has to be looked up is open. */
export function policyInput(source: AskedSource, facts: SourceFacts | undefined): PolicyInput {
  const [scheme, rest] = cut(source.identifier, "://");
  switch (scheme) {
    case "docker-image":
    case "oci-layout":
      return imageInput(rest, source, { facts, isLayout: scheme === "oci-layout" });
    case "http":
    case "https":
      return httpInput(source, scheme, facts);
    case "git":
      return gitInput(rest, source, facts);
    case "local":
      return { kind: "local", known: { name: rest }, open: [], untold: {} };
    default:
      throw new PolicyError(`unsupported source scheme: ${scheme}`);
  }
}

function imageInput(text: string, { platform }: AskedSource, { facts, isLayout }: { readonly facts: SourceFacts | undefined; readonly isLayout: boolean }): PolicyInput {
  const reference = parseReference(text);
  const { os, architecture, variant } = normalizePlatform(platform);
  // What a layout is called is its user's word: it must not pass for an image of a registry's repository.
  const layout = `oci-layout://${familiarName(reference)}`;
  const names = isLayout
    ? { ref: `oci-layout://${formatReference(reference)}`, repo: layout, fullRepo: layout }
    : { ref: formatReference(reference), host: reference.domain, repo: familiarName(reference), fullRepo: repositoryName(reference) };
  const known = {
    ...names,
    tag: reference.tag, isCanonical: reference.digest !== undefined, checksum: reference.digest,
    platform: formatPlatform(normalizePlatform(platform)), os, arch: architecture, variant,
    ...facts,
  };
  const open = facts === undefined ? [...(reference.digest === undefined ? ["checksum"] : []), ...LOOKED_UP] : [];
  return { kind: "image", known, open, untold: UNTOLD_OF_IMAGES };
}

function httpInput({ identifier, attrs }: AskedSource, schema: string, facts: SourceFacts | undefined): PolicyInput {
  const url = new URL(identifier);
  // Bytes of another digest are refused when they come.
  const checksum = attrs["http.checksum"];
  const known = {
    url: identifier, schema, host: url.host, path: decodeURIComponent(url.pathname), hasAuth: attrs["http.authheadersecret"] !== undefined, checksum,
    query: Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])),
    ...facts,
  };
  return { kind: "http", known, open: facts === undefined && checksum === undefined ? ["checksum"] : [], untold: {} };
}

function gitInput(text: string, { attrs }: AskedSource, facts: SourceFacts | undefined): PolicyInput {
  const [place, fragment] = cut(text, "#");
  const [ref, subdir] = cut(fragment, ":");
  const fullURL = attrs["git.fullurl"] === undefined ? undefined : withTransport(attrs["git.fullurl"]);
  const remote = fullURL ?? withTransport(place);
  const isCommitRef = isCommitHash(ref);
  const isFull = isCommitRef || /^refs\/(?:tags|heads)\//.test(ref);
  const subDir = subdir.replace(/\/+$/, "");
  const known = {
    ...hostOf(remote), remote, fullURL, isCommitRef,
    subDir: subDir === "." ? "" : subDir,
    ...namedRef(isFull ? ref : ""),
    ...(isCommitRef ? { checksum: ref, commitChecksum: ref, isSHA256: ref.length === 64 } : {}),
    ...facts,
  };
  const open = facts !== undefined ? [] : [...(isFull ? [] : ["tagName", "branch", "ref"]), ...(isCommitRef ? [] : ["checksum", "commitChecksum", "isAnnotatedTag", "isSHA256"])];
  return { kind: "git", known, open, untold: UNTOLD_OF_GIT };
}

/** A reference with what it is called as a branch or a tag. */
export function namedRef(ref: string): { readonly ref: string; readonly tagName: string | undefined; readonly branch: string | undefined } {
  return { ref, tagName: /^refs\/tags\/(.*)$/.exec(ref)?.[1], branch: /^refs\/heads\/(.*)$/.exec(ref)?.[1] };
}

/** Of `git@host:path` too, which is ssh. */
function hostOf(remote: string): { readonly schema: string; readonly host: string } {
  const [, host] = /^[\w-]+@([\w.-]+):/.exec(remote) ?? [];
  if (host !== undefined) return { schema: "ssh", host };
  const url = new URL(remote);
  return { schema: url.protocol.replace(/:$/, ""), host: url.host };
}

function withTransport(text: string): string {
  return /^(?:https?|git|ssh|file):\/\/|^[\w-]+@[\w.-]+:/.test(text) ? text : `https://${text}`;
}

function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
