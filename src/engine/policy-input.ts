import { familiarName, formatReference, parseReference, repositoryName } from "../oci/reference.ts";
import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";
import { NestedInput, type PolicyInput } from "../policy/input-value.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { isCommitHash } from "../source/git-request.ts";
import { webAddress } from "./web-address.ts";

/** A source that somebody wants to use. */
export interface AskedSource {
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly platform: Platform;
}

/** What is found out at once, since it is asked of the same place. */
export type Lookup = "basics" | "objects" | "attestation" | "provenance" | "signatures";

/** What looking the source up has told. */
export interface SourceFacts {
  readonly lookups: ReadonlySet<Lookup>;
  readonly members: Readonly<Record<string, unknown>>;
  readonly signed: PolicyInput["signed"];
  /** Of its provenance. */
  readonly materials: readonly MaterialFacts[];
}

export interface MaterialFacts {
  readonly source: AskedSource;
  readonly facts: SourceFacts;
}

export const NO_FACTS: SourceFacts = { lookups: new Set(), members: {}, signed: new Map(), materials: [] };

/** What has to be looked up for a member of the input. */
export function lookupOf(kind: PolicyInput["kind"], member: string): Lookup {
  if (kind === "git" && (member === "commit" || member === "tag")) return "objects";
  if (kind !== "image") return "basics";
  if (member === "hasProvenance") return "attestation";
  return member === "provenance" || member === "signatures" ? member : "basics";
}

const LOOKED_UP_OF_IMAGES = ["hasProvenance", "createdTime", "env", "labels", "user", "volumes", "workingDir", "provenance", "signatures"];
const LOOKED_UP_OF_GIT = ["commit", "tag"];

/** The source as buildx shows it to policies. What has to be looked up, and was not yet, is open. */
export function policyInput(source: AskedSource, facts: SourceFacts): PolicyInput {
  const { kind, known, open } = inputOf(source, facts);
  return { kind, known, open: open.filter((member) => !facts.lookups.has(lookupOf(kind, member))), signed: facts.signed };
}

function inputOf(source: AskedSource, facts: SourceFacts): Omit<PolicyInput, "signed"> {
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
      return { kind: "local", known: { name: rest }, open: [] };
    default:
      throw new PolicyError(`unsupported source scheme: ${scheme}`);
  }
}

function imageInput(text: string, { platform }: AskedSource, { facts, isLayout }: { readonly facts: SourceFacts; readonly isLayout: boolean }): Omit<PolicyInput, "signed"> {
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
    ...facts.members,
    ...withMaterials(facts),
  };
  return { kind: "image", known, open: [...(reference.digest === undefined ? ["checksum"] : []), ...LOOKED_UP_OF_IMAGES] };
}

/** Materials are inputs again. */
function withMaterials({ members: { provenance }, materials }: SourceFacts): Readonly<Record<string, unknown>> {
  if (provenance === undefined) return {};
  const inputs = materials.map(({ source, facts }) => new NestedInput(policyInput(source, facts)));
  return { provenance: { ...(provenance as object), ...(inputs.length === 0 ? {} : { materials: inputs }) } };
}

function httpInput({ identifier, attrs }: AskedSource, schema: string, facts: SourceFacts): Omit<PolicyInput, "signed"> {
  const url = webAddress(identifier);
  // Bytes of another digest are refused when they come.
  const checksum = attrs["http.checksum"];
  const known = {
    url: identifier, schema, host: url.host, path: decodeURIComponent(url.pathname), hasAuth: attrs["http.authheadersecret"] !== undefined, checksum,
    query: Object.fromEntries([...new Set(url.searchParams.keys())].map((key) => [key, url.searchParams.getAll(key)])),
    ...facts.members,
  };
  return { kind: "http", known, open: checksum === undefined ? ["checksum"] : [] };
}

function gitInput(text: string, { attrs }: AskedSource, facts: SourceFacts): Omit<PolicyInput, "signed"> {
  const [place, fragment] = cut(text, "#");
  const [ref, subdir] = cut(fragment, ":");
  const fullURL = attrs["git.fullurl"] === undefined ? undefined : withTransport(attrs["git.fullurl"]);
  const [remote] = cut(fullURL ?? withTransport(place), "#");
  const isCommitRef = isCommitHash(ref);
  const isFull = isCommitRef || /^refs\/(?:tags|heads)\//.test(ref);
  const subDir = subdir.replace(/\/+$/, "");
  const known = {
    ...hostOf(remote), remote, fullURL, isCommitRef,
    subDir: subDir === "." ? "" : subDir,
    ...namedRef(isFull ? ref : ""),
    ...(isCommitRef ? { checksum: ref, commitChecksum: ref, isSHA256: ref.length === 64 } : {}),
    ...facts.members,
  };
  const open = [...(isFull ? [] : ["tagName", "branch", "ref"]), ...(isCommitRef ? [] : ["checksum", "commitChecksum", "isAnnotatedTag", "isSHA256"]), ...LOOKED_UP_OF_GIT];
  return { kind: "git", known, open };
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
