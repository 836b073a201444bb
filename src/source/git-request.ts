import { SourceError } from "./source-error.ts";

/** A repository as a build wants it: BuildKit's `git.*` attributes. */
export interface GitRequest {
  /** What git is given: without user and password where the protocol is http. */
  readonly remote: string;
  /** `user:password` of the URL, as it was written there; undefined for none. */
  readonly userInfo: string | undefined;
  /** What provenance names: the remote as it was written, and the reference. */
  readonly name: string;
  /** Empty for the default branch. */
  readonly ref: string;
  /** Relative, without `..`; empty for all. */
  readonly subdir: string;
  readonly keepGitDir: boolean;
  readonly submodules: boolean;
  /** Beginning of a commit's hash; empty for none. */
  readonly checksum: string;
  /** The checksum is what is fetched, and the reference only what it is called. */
  readonly fetchByCommit: boolean;
  readonly commitTimes: boolean;
  /** Names of secrets; empty for none. */
  readonly tokenSecret: string;
  readonly headerSecret: string;
  /** Id of the ssh agent that is asked for; empty for none. */
  readonly sshId: string;
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

export function isCommitHash(text: string): boolean {
  return COMMIT.test(text);
}

/** Reads what a graph says of a `git://` source. Throws SourceError("unsupported") for a checksum that is none, and for what we do not have. */
export function parseGitRequest(identifier: string, attrs: Readonly<Record<string, string>>): GitRequest {
  const [place, fragment] = splitAt(identifier, "#");
  const [ref, subdir] = splitAt(fragment, ":");
  // Who names a repository in one line may have said there what of it.
  const [written] = splitAt(withScheme(attrs["git.fullurl"] ?? `https://${place}`), "#");
  const { remote, userInfo } = withoutUser(written);
  const checksum = attrs["git.checksum"] ?? "";
  if (checksum !== "" && !/^[0-9a-fA-F]+$/.test(checksum)) throw new SourceError("unsupported", `invalid checksum ${checksum} for Git URL, expected hex commit hash`);
  if ((attrs["git.checkoutbundle"] ?? "") !== "") throw new SourceError("unsupported", `${place}: git bundles are not supported`);
  const directory = cleanSubdir(subdir);
  return {
    remote, userInfo, checksum,
    name: ref === "" ? written : `${written}#${ref}`,
    ref,
    subdir: directory,
    // As in BuildKit, a part of a repository has no .git.
    keepGitDir: attrs["git.keepgitdir"] === "true" && directory === "",
    submodules: attrs["git.skipsubmodules"] !== "true",
    fetchByCommit: attrs["git.fetchbycommit"] === "true",
    commitTimes: attrs["git.mtime"] === "commit",
    tokenSecret: attrs["git.authtokensecret"] ?? "",
    headerSecret: attrs["git.authheadersecret"] ?? "",
    sshId: attrs["git.mountsshsock"] ?? "",
  };
}

const TRANSPORT = /^(?:https?|git|ssh|file):\/\/|^[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:/;

function withScheme(text: string): string {
  return TRANSPORT.test(text) ? text : `https://${text}`;
}

function withoutUser(url: string): { readonly remote: string; readonly userInfo: string | undefined } {
  const [, scheme, userInfo, rest] = /^(https?:\/\/)([^/?#]*)@(.*)$/s.exec(url) ?? [];
  return scheme === undefined ? { remote: url, userInfo: undefined } : { remote: `${scheme}${rest ?? ""}`, userInfo };
}

function cleanSubdir(subdir: string): string {
  const parts: string[] = [];
  for (const part of subdir.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function splitAt(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
