import { realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { gitBlobHash, verifyCommit, type UsedFile } from "../git/verify-commit.ts";
import type { GitFacts } from "../git/git-facts.ts";
import type { Environment } from "../host/environment.ts";
import type { CommitRecord } from "../provenance/extension.ts";
import type { Entry } from "../archive/entry.ts";
import type { StateDatabase } from "../store/state-database.ts";
import type { ReadLocal } from "./locals.ts";

export interface CommitCheckRequest {
  readonly facts: GitFacts;
  /** What the build read of the client's directories. */
  readonly locals: readonly ReadLocal[];
  /** Where each of these directories is; a name that is missing has no files, such as a Dockerfile from standard input. */
  readonly directories: ReadonlyMap<string, string>;
  readonly database: StateDatabase;
  readonly env: Environment;
}

/** Compares the bytes that were used, file by file, with the commit that git names. Undefined where there is no commit. */
export async function checkCommit(request: CommitCheckRequest, signal: AbortSignal): Promise<CommitRecord | undefined> {
  const { facts, env } = request;
  if (facts.commit === undefined || request.locals.length === 0) return undefined;
  const check = await verifyCommit({ root: facts.root, commit: facts.commit }, usedFiles(request, facts.commit, signal), env, signal);
  return { commit: facts.commit, verified: check.verified, files: check.files, differing: check.verified ? 0 : check.differing };
}

async function* usedFiles({ facts, locals, directories, database }: CommitCheckRequest, commit: string, signal: AbortSignal): AsyncIterable<UsedFile> {
  for (const { name, layer } of locals) {
    const directory = directories.get(name);
    // Its path leads out of the repository, so that it counts as a difference: no commit speaks for it.
    const inRoot = directory === undefined ? join("..", name) : relative(facts.root, await realpath(directory));
    const entries = await layer.entries(signal);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    for (const named of entries) {
      // To git, the second name of a file is a file.
      const entry = named.kind === "hardlink" ? { ...(byPath.get(named.linkname ?? "") ?? named), path: named.path } : named;
      if (entry.kind !== "file" && entry.kind !== "symlink") continue;
      const stored = byPath.get(named.kind === "hardlink" ? (named.linkname ?? "") : named.path) ?? named;
      const path = join(inRoot, entry.path).split(sep).join("/");
      yield { path, kind: entry.kind, mode: entry.mode, blob: await blobId({ commit, database, layer }, stored, signal) };
    }
  }
}

/** Git's name for the content, remembered by ours: a second build reads nothing for it. */
async function blobId({ commit, database, layer }: { commit: string; database: StateDatabase; layer: ReadLocal["layer"] }, entry: Entry, signal: AbortSignal): Promise<string> {
  if (entry.kind === "symlink") {
    const target = Buffer.from(entry.linkname ?? "");
    return gitBlobHash(commit, target.byteLength).update(target).digest("hex");
  }
  const kind = commit.length === 64 ? "git-blob-sha256" : "git-blob";
  const digest = await layer.contentDigest(entry, signal);
  const known = database.fact(kind, digest);
  if (known !== undefined) return known;
  const hash = gitBlobHash(commit, entry.sizeBytes);
  for await (const chunk of layer.read(entry, signal)) hash.update(chunk);
  const blob = hash.digest("hex");
  database.saveFact(kind, digest, blob);
  return blob;
}
