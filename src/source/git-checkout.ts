import { existsSync, lstatSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { bytesOf } from "../content/bytes.ts";
import { shownRemote } from "../git/shown-remote.ts";
import type { RemoteGit } from "../git/remote-git.ts";
import { openDirectory } from "../session/directory.ts";
import type { LocalEntry } from "../session/session.ts";
import { mirrorRef, type FetchedCommit } from "./git-mirror.ts";
import type { GitRequest } from "./git-request.ts";
import { refused, type ResolvedGit } from "./git-resolve.ts";
import { SourceError } from "./source-error.ts";

export interface Checkout {
  readonly request: GitRequest;
  readonly resolved: ResolvedGit;
  readonly fetched: FetchedCommit;
  readonly git: RemoteGit;
  /** An empty directory, for this checkout only. */
  readonly directory: string;
}

/**
 * The files of a commit. Git itself checks them out, since attributes in the repository have a say in their bytes.
 * They belong to root, with the modes that the usual umask of 022 gives, and have the time of this checkout or of the commit.
 */
export async function* checkedOutMembers(checkout: Checkout, signal: AbortSignal): AsyncIterable<Member> {
  const { request, directory } = checkout;
  const tree = join(directory, "tree");
  await mkdir(tree);
  await (request.keepGitDir ? checkOutWithGit(checkout, tree, signal) : checkOutAlone(checkout, tree, signal));
  const mtimeNs = request.commitTimes ? (await commitTime(checkout.fetched, checkout.git, signal)) * 1_000_000_000n : undefined;
  const files = openDirectory(subdirectory(tree, request.subdir));
  for await (const found of files.walk({ followPaths: undefined, includePatterns: [], excludePatterns: [] }, signal)) {
    // The .git of a submodule points to where nothing will be.
    if (!request.keepGitDir && /(?:^|\/)\.git$/.test(found.path)) continue;
    const entry = settled(found, mtimeNs);
    yield { entry, content: entry.kind === "file" ? files.read(found.path, signal) : bytesOf() };
  }
}

/** Seconds since 1970 of the committer's clock. */
export async function commitTime({ mirror, commit }: FetchedCommit, git: RemoteGit, signal: AbortSignal): Promise<bigint> {
  const shown = await git.run(["--git-dir", mirror, "show", "--no-patch", "--no-show-signature", "--format=%ct", commit], signal);
  const seconds = shown.stdout.trim();
  if (shown.exitCode !== 0 || !/^-?\d+$/.test(seconds)) throw refused(`failed to get commit time of ${commit}`, shown);
  return BigInt(seconds);
}

/** The work tree only. Its repository borrows the objects, so that nothing of it is written into the mirror. */
async function checkOutAlone({ request, fetched, git, directory }: Checkout, tree: string, signal: AbortSignal): Promise<void> {
  const gitDir = join(directory, "git");
  const { steps } = gitSteps(git, request, signal);
  await steps(["init", "--quiet", "--bare", "--template=", formatOf(fetched.commit), gitDir]);
  await mkdir(join(gitDir, "objects/info"), { recursive: true });
  await writeFile(join(gitDir, "objects/info/alternates"), `${join(fetched.mirror, "objects")}\n`);
  const inTree = ["-C", tree, "--git-dir", gitDir, "--work-tree", tree];
  // Submodules may be named relative to it.
  await steps([...inTree, "config", "remote.origin.url", request.remote]);
  await steps([...inTree, "checkout", "--quiet", "--force", "--detach", fetched.commit]);
  await submodules(inTree, tree, { request, steps });
}

/** With a .git of its own: the one commit, under the name that was asked for. */
async function checkOutWithGit({ request, resolved, fetched, git }: Checkout, tree: string, signal: AbortSignal): Promise<void> {
  const { steps } = gitSteps(git, request, signal);
  const inTree = ["-C", tree];
  await steps(["init", "--quiet", "--template=", formatOf(fetched.commit), tree]);
  await steps([...inTree, "remote", "add", "origin", `file://${fetched.mirror}`]);
  const name = resolved.ref.startsWith("refs/") ? `:${resolved.ref}` : "";
  await steps([...inTree, "fetch", "--quiet", "--update-head-ok", "--no-tags", "--depth=1", "--", "origin", `${mirrorRef(resolved.hash)}${name}`]);
  await steps([...inTree, "checkout", "--quiet", "FETCH_HEAD"]);
  await steps([...inTree, "remote", "set-url", "origin", request.remote]);
  await submodules(inTree, tree, { request, steps });
  await steps([...inTree, "reflog", "expire", "--all", "--expire=now"]);
  await rm(join(tree, ".git/FETCH_HEAD"), { force: true });
}

type Steps = (args: readonly string[]) => Promise<void>;

function gitSteps(git: RemoteGit, { remote }: GitRequest, signal: AbortSignal): { readonly steps: Steps } {
  return {
    async steps(args) {
      const done = await git.run(args, signal);
      if (done.exitCode !== 0) throw refused(`failed to ${args.includes("submodule") ? "update submodules for" : "checkout remote"} ${shownRemote(remote)}`, done);
    },
  };
}

async function submodules(inTree: readonly string[], tree: string, { request, steps }: { readonly request: GitRequest; readonly steps: Steps }): Promise<void> {
  if (!request.submodules || !existsSync(join(tree, ".gitmodules"))) return;
  await steps([...inTree, "submodule", "--quiet", "update", "--init", "--recursive", "--depth=1"]);
}

function formatOf(commit: string): string {
  return `--object-format=${commit.length === 64 ? "sha256" : "sha1"}`;
}

/** Throws for a path that is not made of directories alone: a link could lead out of the tree. */
function subdirectory(tree: string, subdir: string): string {
  const refuse = (reason: string): SourceError => new SourceError("not-found", `invalid subdir ${subdir}: ${reason}`);
  let path = "";
  for (const part of subdir.split("/").filter((name) => name !== "")) {
    path = join(path, part);
    const found = lstatSync(join(tree, path), { throwIfNoEntry: false });
    if (found === undefined) throw refuse(`failed to lstat ${JSON.stringify(path)}: statat ${path}: no such file or directory`);
    if (!found.isDirectory()) throw refuse(`git subpath ${JSON.stringify(subdir)} contains non-directory ${JSON.stringify(path)}`);
  }
  return join(tree, path);
}

function settled({ validator: _validator, ...found }: LocalEntry, mtimeNs: bigint | undefined): Entry {
  const owner = found.mode & 0o700;
  const others = (owner >> 6) & 0o5;
  const mode = found.kind === "symlink" ? 0o777 : owner | (others << 3) | others;
  return { ...found, mode, ...(mtimeNs === undefined ? {} : { mtimeNs }) };
}
