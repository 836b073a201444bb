import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { GitReferenceError, parseGitReference } from "../frontend/dockerfile/git-reference.ts";
import { familiarString, InvalidReferenceError, parseReference } from "../oci/reference.ts";
import type { NamedContext, PlannedContext } from "./build-plan.ts";
import type { BuildRequest, StreamContext } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** What COPY and ADD read from. Throws RequestError. */
export function planContext({ context }: BuildRequest): PlannedContext {
  if (typeof context !== "string") return planStream(context);
  if (isRemote(context)) return { kind: "remote", url: context };
  if (!isAbsolute(context)) throw new RequestError("usage", `${context}: an absolute path is needed, or a URL`);
  requireDirectory(context, `unable to prepare context: path ${JSON.stringify(context)} not found`);
  return { kind: "directory", path: context };
}

function planStream(context: StreamContext): PlannedContext {
  if ("stream" in context) throw new RangeError("a stream has to be looked at first: see stream-context.ts");
  return "archive" in context ? { kind: "archive", bytes: context.archive } : { kind: "empty" };
}

export function planNamedContext(given: string, value: string, request: BuildRequest): NamedContext {
  const name = contextName(given);
  const [, scheme, rest = ""] = /^([a-z][a-z+-]*):\/\/(.*)$/s.exec(value) ?? [];
  if (scheme === "docker-image") return { kind: "image", name, reference: imageName(rest) };
  if (scheme === "oci-layout") {
    const [, path = "", tag, digest] = /^(.*?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/s.exec(rest) ?? [];
    return { kind: "oci-layout", name, path: requestPath(request, path), tag, digest };
  }
  if (isRemote(value)) return { kind: "remote", name, url: value };
  if (scheme !== undefined) throw new RequestError("usage", `build context ${name}: ${scheme}:// is not supported: use a directory, docker-image://, oci-layout://, https:// or a Git repository`);
  // Nothing is no name of the working directory: a variable of a script that is not set is nothing.
  const path = value === "" ? "" : requestPath(request, value);
  requireDirectory(path, `failed to get build context ${name}: stat ${path}: no such file or directory`);
  return { kind: "directory", name, path };
}

/** As it was given: steps are named by it, and `scratch` is no image. */
function imageName(text: string): string {
  parseReference(text);
  return text;
}

/** A context stands for every way to write an image's name. */
function contextName(text: string): string {
  try {
    return familiarString(parseReference(text)).replace(/:latest$/, "");
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new RequestError("usage", `invalid context name ${text}: ${error.message}`);
    throw error;
  }
}

/** A path that the request names in whatever way. Throws RequestError for a relative one that nothing says the place of. */
export function requestPath({ workingDirectory, context }: BuildRequest, path: string): string {
  const base = workingDirectory ?? (typeof context === "string" && isAbsolute(context) ? context : undefined);
  if (base === undefined && !isAbsolute(path)) throw new RequestError("usage", `${path}: an absolute path is needed, or a \`workingDirectory\``);
  return resolve(base ?? "/", path);
}

/** A web address or a repository, in the words of a command line. Throws RequestError for a repository's URL that contradicts itself. */
export function isRemote(text: string): boolean {
  if (isAbsolute(text)) return false;
  try {
    return parseGitReference(text) !== undefined || /^https?:\/\//.test(text);
  } catch (error) {
    if (error instanceof GitReferenceError) throw new RequestError("usage", `failed to solve: ${error.message}`);
    throw error;
  }
}

function requireDirectory(path: string, missing: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new RequestError("missing-input", `${missing}: the context must be a directory that exists`);
  if (!found.isDirectory()) throw new RequestError("missing-input", `${path} is not a directory: give the directory, and a Dockerfile in it with -f`);
}
