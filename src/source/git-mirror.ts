import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { shownRemote } from "../git/shown-remote.ts";
import type { RemoteGit } from "../git/remote-git.ts";
import { openCacheDirectory } from "../snapshot/cache-directory.ts";
import type { GitRequest } from "./git-request.ts";
import { refused, type ResolvedGit } from "./git-resolve.ts";
import type { SourceError } from "./source-error.ts";

/** A commit that is here, with its whole tree. */
export interface FetchedCommit {
  /** Bare repository that has it, under the name of `mirrorRef`. Objects are only ever added to it, so it can be read without a lock. */
  readonly mirror: string;
  readonly commit: string;
}

export interface Wanted extends Pick<GitRequest, "remote"> {
  readonly resolved: ResolvedGit;
}

/** Git with a file that it and its helpers inherit. */
export type OpenGit = (lock: number | undefined) => RemoteGit;

/** Where mirrors are, and how one is kept from being taken away. */
export interface Mirrors {
  readonly parent: string;
  readonly hold: (path: string) => void;
}

/** The file of a mirror that its users hold: it is in every repository. */
export function mirrorUse(mirror: string): string {
  return join(mirror, "HEAD");
}

/**
 * Fetches a commit into the mirror of its repository below `parent`. Several processes may do so at a time: one writes,
 * the others wait. What a killed one left is its git at work, which keeps the lock, and then files that are swept here.
 */
export async function fetchCommit({ parent, hold }: Mirrors, { remote, resolved }: Wanted, openGit: OpenGit, signal: AbortSignal): Promise<FetchedCommit> {
  const format = resolved.hash.length === 64 ? "sha256" : "sha1";
  const init = async (path: string): Promise<void> => {
    const made = await openGit(undefined).run(["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, path], signal);
    if (made.exitCode !== 0) throw refused(`failed to init repo at ${path}`, made);
  };
  await using directory = await openCacheDirectory(parent, { id: `${format} ${remote}`, sharing: "locked" }, init, signal);
  const mirror = new Mirror(directory.path, openGit(directory.lock), signal);

  if (!(await mirror.has(resolved.hash))) await mirror.fetch(remote, resolved);
  // Held from before the lock is given back: whoever clears mirrors away needs both.
  hold(mirrorUse(directory.path));
  return { mirror: directory.path, commit: await mirror.commitOf(resolved.hash) };
}

/** Name under which a mirror keeps what was fetched. */
export function mirrorRef(hash: string): string {
  return `refs/stemma/${hash}`;
}

class Mirror {
  readonly #path: string;
  readonly #git: RemoteGit;
  readonly #signal: AbortSignal;

  constructor(path: string, git: RemoteGit, signal: AbortSignal) {
    this.#path = path;
    this.#git = git;
    this.#signal = signal;
  }

  async has(hash: string): Promise<boolean> {
    return (await this.#run(["rev-parse", "--quiet", "--verify", mirrorRef(hash)])).exitCode === 0;
  }

  async commitOf(hash: string): Promise<string> {
    const found = await this.#run(["rev-parse", "--quiet", "--verify", `${hash}^{commit}`]);
    if (found.exitCode !== 0) throw refused(`${hash} is no commit`, found);
    return found.stdout.trim();
  }

  /** The one commit, where the server gives it; else all branches and tags. */
  async fetch(remote: string, { ref, hash }: ResolvedGit): Promise<void> {
    await sweepLeftovers(this.#path);
    const refusal = await this.#fetchOne(remote, hash);
    if (refusal !== undefined) {
      if (refusal.code !== "not-found") throw refusal;
      const named = ref.startsWith("refs/") && !/^refs\/(?:heads|tags)\//.test(ref) ? [`+${ref}:refs/stemma-named/${hash}`] : [];
      const whole = existsSync(join(this.#path, "shallow")) ? ["--unshallow"] : [];
      const all = await this.#run(["fetch", ...FETCH, ...whole, "--", remote, "+refs/heads/*:refs/stemma-all/heads/*", "+refs/tags/*:refs/stemma-all/tags/*", ...named]);
      if (all.exitCode !== 0) throw refused(`failed to fetch remote ${shownRemote(remote)}`, all);
    }
    // The last step: what has this name is here with all that it needs.
    const kept = await this.#run(["update-ref", "--no-deref", mirrorRef(hash), hash]);
    if (kept.exitCode !== 0) throw refusal ?? refused(`failed to fetch remote ${shownRemote(remote)}`, kept);
  }

  async #fetchOne(remote: string, hash: string): Promise<SourceError | undefined> {
    const one = (...depth: readonly string[]): ReturnType<RemoteGit["run"]> => this.#run(["fetch", ...FETCH, ...depth, "--", remote, hash]);
    const first = await one("--depth=1");
    // A server that gives files alone, and no answers, cannot cut a history.
    const fetched = first.exitCode !== 0 && /--depth|shallow/.test(first.complaint) ? await one() : first;
    return fetched.exitCode === 0 ? undefined : refused(`failed to fetch remote ${shownRemote(remote)}`, fetched);
  }

  #run(args: readonly string[]): ReturnType<RemoteGit["run"]> {
    return this.#git.run(["--git-dir", this.#path, ...args], this.#signal);
  }
}

const FETCH = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--force"] as const;

/** Git's own lock files and half packs: whoever made them is gone, since we have the lock. */
async function sweepLeftovers(mirror: string): Promise<void> {
  const leftovers = ["", "refs/stemma", "refs/stemma-all", "objects/pack"].flatMap((folder) => {
    const path = join(mirror, folder);
    const names = existsSync(path) ? readdirSync(path) : [];
    return names.filter((name) => name.endsWith(".lock") || name.startsWith("tmp_")).map((name) => join(path, name));
  });
  await Promise.all(leftovers.map((path) => rm(path, { recursive: true, force: true })));
}
