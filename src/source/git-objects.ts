import { formatOf, objectId } from "../git/object-id.ts";
import { GitObjectError } from "../git/object-reader.ts";
import type { RemoteGit } from "../git/remote-git.ts";
import { parseCommit, parseTag, type GitCommit, type GitTag } from "../git/signed-object.ts";
import type { FetchedCommit } from "./git-mirror.ts";
import { refused } from "./git-resolve.ts";
import { SourceError } from "./source-error.ts";

/** A commit, and the annotated tag that was asked for, if it was one. */
export interface GitObjects {
  /** Its hash: what was asked for may have named a tag. */
  readonly hash: string;
  readonly commit: GitCommit;
  readonly tag: GitTag | undefined;
}

/** Reads what `hash`, a commit or a tag of it, stands for. Throws SourceError. */
export async function readObjects({ mirror, commit }: FetchedCommit, hash: string, git: RemoteGit, signal: AbortSignal): Promise<GitObjects> {
  const read = async (type: "commit" | "tag", id: string): Promise<Buffer> => {
    const { exitCode, bytes, ...rest } = await git.run(["--git-dir", mirror, "cat-file", type, id], signal);
    if (exitCode !== 0) throw refused(`failed to read ${type} ${id}`, { exitCode, bytes, ...rest });
    if (objectId(formatOf(id), type, bytes) !== id) throw new SourceError("corrupt", `${type} ${id} has other content than its id says`);
    return bytes;
  };
  const content = await read("commit", commit);
  const tag = hash === commit ? undefined : await read("tag", hash);
  try {
    return { hash: commit, commit: parseCommit(content, commit), tag: tag === undefined ? undefined : parseTag(tag) };
  } catch (error) {
    if (error instanceof GitObjectError) throw new SourceError("corrupt", error.message, { cause: error });
    throw error;
  }
}
