import { bytesOfPath, pathOfBytes } from "../archive/path-bytes.ts";
import type { GitCommand } from "./git-command.ts";

/** What decides how git changes a file's bytes between the work tree and its objects (gitattributes(5)). */
const NAMES = ["filter", "working-tree-encoding", "text", "crlf", "eol", "ident"] as const;

/** Paths told to one git: what it answers must fit into memory. */
const PATHS_PER_GIT = 20_000;

/** `set`, `unset`, or a value; undefined where nothing is specified. */
export type Attributes = Readonly<Record<(typeof NAMES)[number], string | undefined>>;

export const UNSPECIFIED: Attributes = { filter: undefined, "working-tree-encoding": undefined, text: undefined, crlf: undefined, eol: undefined, ident: undefined };

/** By path. Of the work tree's own attribute files, and the user's; git looks into them, and runs nothing. What git does not answer for has none. */
export async function readAttributes(git: GitCommand, paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Attributes>> {
  const attributes = new Map<string, Attributes>();
  for (let at = 0; at < paths.length; at += PATHS_PER_GIT) {
    const asked = Buffer.concat(paths.slice(at, at + PATHS_PER_GIT).flatMap((path) => [bytesOfPath(path), Buffer.alloc(1)]));
    const { stdout } = await git.run(["check-attr", "-z", "--stdin", ...NAMES], signal, asked);
    for (const [path, name, value] of answers(stdout)) {
      if (value !== "unspecified") attributes.set(path, { ...(attributes.get(path) ?? UNSPECIFIED), [name]: value });
    }
  }
  return attributes;
}

/** `PATH NUL NAME NUL VALUE NUL`, again and again. */
function* answers(output: Buffer): Generator<readonly [path: string, name: string, value: string]> {
  let fields: string[] = [];
  for (let at = 0, end = output.indexOf(0); end !== -1; at = end + 1, end = output.indexOf(0, at)) {
    fields.push(pathOfBytes(output.subarray(at, end)));
    const [path, name, value] = fields;
    if (path === undefined || name === undefined || value === undefined) continue;
    yield [path, name, value];
    fields = [];
  }
}
