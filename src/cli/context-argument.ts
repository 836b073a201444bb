import { createReadStream, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { BuildRequest } from "../doors/build.ts";
import { readAll } from "../host/read-all.ts";
import { UsageError } from "./usage-error.ts";

export interface ContextWords {
  /** The argument; undefined when there is none. */
  readonly context: string | undefined;
  /** `-f`. */
  readonly file: string | undefined;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** Where the build's files and its Dockerfile are. Standard input can be one of the two. */
export async function contextArgument({ context: text, file, cwd, stdin }: ContextWords): Promise<Pick<BuildRequest, "context" | "dockerfile">> {
  if (text === undefined) throw new UsageError("a context is needed: stemma build [flags] DIRECTORY (`.` for this one), a URL, or - for standard input");
  if (text === "") throw new UsageError('please specify build context (e.g. "." for the current directory)');
  if (text === "-" && file === "-") throw new UsageError("invalid argument: can't use stdin for both build context and dockerfile");
  const context = text === "-" ? { stream: stdin } : placeOf(text, cwd);
  if (file === undefined) return { context };
  if (file === "-") return { context, dockerfile: { text: await readAll(stdin) } };
  if (OWN_PIPE.test(file)) return { context, dockerfile: { text: await readAll(createReadStream(file)) } };
  // A Dockerfile's path is one of this machine, unless the context is elsewhere.
  const isHere = typeof context === "string" && isAbsolute(context) && !WEB_ADDRESS.test(file);
  return { context, dockerfile: isHere ? resolve(cwd, file) : file };
}

/** As a shell names what another command writes: `-f <(…)`. */
const OWN_PIPE = /^\/(?:dev|proc\/self)\/fd\/\d+$|^\/dev\/stdin$/;

const WEB_ADDRESS = /^https?:\/\//;

const LOOKS_REMOTE = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/|^[\w.-]+@[\w.-]+:|^github\.com\//;

/** A directory here comes first: `github.com/…` may be one. */
function placeOf(text: string, cwd: string): string {
  const path = resolve(cwd, text);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  return LOOKS_REMOTE.test(text) ? text : path;
}
