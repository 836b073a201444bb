import { marshalOutput } from "../../llb/marshal.ts";
import { localSource, sourceOutput, type SourceRequest } from "../../llb/source-vertex.ts";
import { customName, type Output } from "../../llb/vertex.ts";
import { goJson } from "../../content/go-json.ts";
import type { Definition } from "../../llb/definition.ts";
import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import { cleanPath, joinPath } from "./dockerfile-paths.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";
import { GitReferenceError, gitRequest, parseGitReference, type GitReference } from "./git-reference.ts";
import { llbPlatform } from "./llb-platform.ts";

/** What reading of contexts needs. */
export interface FrontendMeans {
  readonly gateway: Gateway;
  readonly request: FrontendRequest;
}

/** A definition of what the frontend itself reads. */
export function ownDefinition(output: Output, { request }: FrontendMeans): Definition {
  return marshalOutput(output, { platform: llbPlatform(request.hostPlatform), capabilities: undefined, localUniqueId: request.sessionId });
}

export interface LocalRequest {
  readonly name: string;
  readonly sharedKeyHint: string;
  readonly stepName: string;
  readonly followPaths: readonly string[];
  readonly excludePatterns: readonly string[];
  /** True for single files, which are sent without comparing. */
  readonly sendsAll: boolean;
}

/** A directory that the session lends, or the session that an attribute names for it. */
export function localOutput(local: LocalRequest, { request }: FrontendMeans): Output {
  const source = localSource({
    name: local.name,
    sessionId: request.opts.get(`local-sessionid:${local.name}`) ?? request.sessionId,
    sharedKeyHint: local.sharedKeyHint,
    followPaths: jsonList(local.followPaths),
    excludePatterns: jsonList(local.excludePatterns),
    sendsAll: local.sendsAll,
  });
  return namedSource(source, local.stepName);
}

export function namedSource(source: SourceRequest, stepName: string): Output {
  return sourceOutput(source, { description: customName(stepName) });
}

function jsonList(items: readonly string[]): string {
  return items.length === 0 ? "" : goJson(items.map((item) => item.toWellFormed()));
}

/** A repository as a context; undefined where the text names none. Throws FrontendOptionError. */
export function gitContext(text: string, keepGitDir: boolean, mtime: string): Output | undefined {
  const git = parseContext(text);
  if (git === undefined) return undefined;
  const choices = { keepGitDir: keepGitDir || git.keepGitDir === true, checksum: git.checksum, mtime: git.mtime === "" ? mtime : git.mtime };
  return namedSource(gitRequest(git, choices), `[internal] load git source ${text}`);
}

function parseContext(text: string): GitReference | undefined {
  try {
    return parseGitReference(text);
  } catch (error) {
    if (error instanceof GitReferenceError) throw new FrontendOptionError(error.message);
    throw error;
  }
}

/** The paths to be sent of a directory; none means all of it. */
export function followPaths(paths: ReadonlySet<string>): readonly string[] {
  if (paths.has("/")) return [];
  return [...paths].map((path) => joinPath(".", path)).toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

/** The path in a context that an instruction's source means. */
export function contextPath(source: string): string {
  return cleanPath(`/${source}`);
}

