import { gitSource, type SourceRequest } from "../../llb/source-vertex.ts";
import { baseName, joinPath } from "./dockerfile-paths.ts";
import { cut, parseBool, quote } from "./go-text.ts";
import { decodedUrlPart, hasBadEscape, isAuthority, writtenAuthority, writtenPath } from "./go-url.ts";

/** A repository that an ADD or a context names, with what is to be taken of it. */
export interface GitReference {
  /** For git, without credentials taken off. */
  readonly remote: string;
  /** Empty for the default branch. */
  readonly ref: string;
  /** Hash of a commit; empty for none. */
  readonly checksum: string;
  readonly subdir: string;
  /** True for `github.com/…`, which can be a local path as well: only contexts take it for a repository. */
  readonly looksLocal: boolean;
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean | undefined;
  /** `checkout`, `commit` or empty. */
  readonly mtime: string;
  readonly fetchByCommit: boolean;
}

/** Surely a repository, but its query asks for what cannot be. The message is BuildKit's. */
export class GitReferenceError extends Error {
  override readonly name = "GitReferenceError";
  readonly code = "invalid-git-reference";

  get retryable(): boolean {
    return false;
  }
}

/** Undefined where the text names no repository. Throws GitReferenceError. */
export function parseGitReference(text: string): GitReference | undefined {
  if (text.startsWith("./") || text.startsWith("../")) return undefined;
  const looksLocal = text.startsWith("github.com/");
  const url = splitGitUrl(looksLocal ? `https://${text}` : text);
  if (url === undefined) return undefined;
  if (!looksLocal && /^https?$/.test(url.scheme) && !decodedUrlPart(url.path).endsWith(".git")) return undefined;
  const { before: ref, after: subdir } = cut(url.fragment, ":");
  const remote = looksLocal ? url.remote.slice("https://".length) : url.remote;
  const draft = { remote, looksLocal, ref, subdir: url.fragment === "" ? "" : joinPath("/", subdir).slice(1), ...NO_QUERY };
  return readQuery(draft, url.query);
}

export function isGitSource(text: string): boolean {
  try {
    return parseGitReference(text) !== undefined;
  } catch (error) {
    if (error instanceof GitReferenceError) return false;
    throw error;
  }
}

/** The last path component: the name under which an ADD stores what a URL gives. */
export function urlFilename(url: string): string {
  const path = decodedPath(url);
  const base = path === undefined ? "." : baseName(path);
  return base === "." || base === "/" ? "__unnamed__" : base;
}

/** What `GitReference`s do not say: an ADD or a context decides it. */
export interface GitChoices {
  readonly keepGitDir: boolean;
  readonly checksum: string;
  readonly mtime: string;
}

export function gitRequest(git: GitReference, { keepGitDir, checksum, mtime }: GitChoices): SourceRequest {
  const url = splitGitUrl(git.remote) ?? splitGitUrl(`https://${git.remote}`);
  const place = url === undefined ? git.remote : url.host + joinPath("/", decodedUrlPart(url.path));
  const subdir = git.subdir === "" ? "" : `:${git.subdir}`;
  return gitSource({
    id: git.ref === "" && subdir === "" ? place : `${place}#${git.ref}${subdir}`,
    remote: url?.remote ?? git.remote,
    isSsh: url?.scheme === "ssh",
    keepGitDir,
    checksum,
    skipSubmodules: git.submodules === false,
    mtime,
    fetchByCommit: git.fetchByCommit,
  });
}

interface GitUrl {
  readonly scheme: string;
  readonly host: string;
  /** As written. */
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
  /** Without query and fragment. */
  readonly remote: string;
}

const SCHEMES = new Set(["http", "https", "ssh", "git"]);
const SCHEME = /^([a-zA-Z0-9]+):\/\//;
const URL_PARTS = /^[^:]+:\/\/([^/?]*)([^?]*)(?:\?(.*))?$/s;
const SCP = /^([a-zA-Z0-9-_]+)@([a-zA-Z0-9-.]+):(.*?)(?:\?(.*?))?(?:#(.*))?$/;

/** A URL, or the form that scp takes: `user@host:path`. */
function splitGitUrl(text: string): GitUrl | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return splitScp(text);
  if (!SCHEMES.has(scheme) || hasControl(text)) return undefined;
  const { before, after: fragment } = cut(text, "#");
  const [, authority = "", path = "", query = ""] = URL_PARTS.exec(before) ?? [];
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  if (hasBadEscape(path) || hasBadEscape(fragment) || !isAuthority(authority, scheme)) return undefined;
  return { scheme, host: decodedUrlPart(host), path, query, fragment: decodedUrlPart(fragment), remote: `${scheme}://${writtenAuthority(authority)}${writtenPath(path)}` };
}

function splitScp(text: string): GitUrl | undefined {
  const match = SCP.exec(text);
  if (match === null) return undefined;
  const [, user = "", host = "", path = "", query = "", fragment = ""] = match;
  // A path that is no URL is not decoded.
  return { scheme: "ssh", host, path: path.replaceAll("%", "%25"), query, fragment, remote: `${user}@${host}:${path}` };
}

function hasControl(text: string): boolean {
  return Array.from(text).some((char) => char < " " || char === "\u007f");
}

function decodedPath(url: string): string | undefined {
  const { before, after: fragment } = cut(url, "#");
  const [, authority = "", path = ""] = URL_PARTS.exec(before) ?? [];
  const isUrl = !hasBadEscape(path) && !hasBadEscape(fragment) && !hasControl(url) && isAuthority(authority, cut(url.toLowerCase(), ":").before);
  return isUrl ? decodedUrlPart(path) : undefined;
}

const NO_QUERY = { checksum: "", keepGitDir: undefined as boolean | undefined, submodules: undefined as boolean | undefined, mtime: "", fetchByCommit: false };

type Draft = { -readonly [Key in keyof GitReference]: GitReference[Key] };

function readQuery(reference: GitReference, query: string): GitReference {
  const draft: Draft = { ...reference };
  const values = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";") || hasBadEscape(pair)) continue;
    const { before, after } = cut(pair.replaceAll("+", " "), "=");
    values.set(decodedUrlPart(before), [...(values.get(decodedUrlPart(before)) ?? []), decodedUrlPart(after)]);
  }
  for (const [key, [value = "", ...more]] of values) {
    if (more.length > 0) throw new GitReferenceError(`query ${quote(key)} has multiple values`);
    setKey(draft, key, value);
  }
  setNamedRef(draft, "refs/tags/", values.get("tag")?.[0] ?? "");
  const branch = values.get("branch")?.[0] ?? "";
  if (branch !== "" && values.has("tag")) throw new GitReferenceError("branch conflicts with tag");
  setNamedRef(draft, "refs/heads/", branch);
  return draft;
}

function setKey(draft: Draft, key: string, value: string): void {
  switch (key) {
    case "keep-git-dir":
      draft.keepGitDir = flag(key, value);
      return;
    case "submodules":
      draft.submodules = flag(key, value);
      return;
    case "fetch-by-commit":
      draft.fetchByCommit = flag(key, value);
      return;
  }
  if (value === "") throw new GitReferenceError(`query ${quote(key)} has no value`);
  switch (key) {
    case "ref":
    case "subdir":
      if (draft[key] !== "" && draft[key] !== value) throw new GitReferenceError(`${key} conflicts: ${quote(draft[key])} vs ${quote(value)}`);
      draft[key] = value;
      return;
    case "checksum":
    case "commit":
      draft.checksum = value;
      return;
    case "mtime":
      if (value !== "checkout" && value !== "commit") throw new GitReferenceError(`invalid mtime value: ${quote(value)} (must be "checkout" or "commit")`);
      draft.mtime = value;
      return;
    case "tag":
    case "branch":
      return;
    default:
      throw new GitReferenceError(`unexpected query ${quote(key)}`);
  }
}

function flag(key: string, value: string): boolean {
  const bool = value === "" ? true : parseBool(value);
  if (bool === undefined) throw new GitReferenceError(`invalid ${key} value: ${quote(value)}`);
  return bool;
}

function setNamedRef(draft: Draft, prefix: string, name: string): void {
  if (name === "") return;
  const ref = name.startsWith(prefix) ? name : prefix + name;
  if (draft.ref !== "" && draft.ref !== ref) throw new GitReferenceError(`ref conflicts: ${quote(draft.ref)} vs ${quote(ref)}`);
  draft.ref = ref;
}
