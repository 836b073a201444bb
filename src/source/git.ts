import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canonicalJson } from "../content/canonical-json.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import { findRemoteGit, type RemoteGit } from "../git/remote-git.ts";
import type { Environment } from "../host/environment.ts";
import { trustedAuthorities } from "../host/http-trust.ts";
import type { Session } from "../session/session.ts";
import type { LayerStore } from "../snapshot/layer-store.ts";
import type { Layer } from "../snapshot/layer.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import { checkedOutMembers, commitTime } from "./git-checkout.ts";
import { readObjects, type GitObjects } from "./git-objects.ts";
import { gitCredentials } from "./git-credentials.ts";
import { fetchCommit, type FetchedCommit, type OpenGit } from "./git-mirror.ts";
import type { GitRequest } from "./git-request.ts";
import { resolveGit, type ResolvedGit } from "./git-resolve.ts";
import { SourceError } from "./source-error.ts";

export interface GitSourceServices {
  /** Where mirrors of repositories are kept; any number of processes may share it. */
  readonly directory: string;
  /** Keeps a file, and what it stands for, from being taken away while the build runs. */
  readonly hold: (path: string) => void;
  readonly workspace: Workspace;
  readonly layers: LayerStore;
  readonly session: Session;
  /** Proxies, authorities, and where programs are. */
  readonly env: Environment;
}

/**
 * Repositories as sources of one build. A reference is looked up once: all steps of a build, and who reads its
 * Dockerfile, see the same commit.
 */
export class GitSource {
  readonly #services: GitSourceServices;
  readonly #resolved = new Map<string, Promise<ResolvedGit>>();
  readonly #fetched = new Map<string, Promise<FetchedCommit>>();

  constructor(services: GitSourceServices) {
    this.#services = services;
  }

  /** Throws SourceError. */
  async resolve(request: GitRequest, signal: AbortSignal): Promise<ResolvedGit> {
    const { remote, userInfo, ref, checksum, fetchByCommit } = request;
    return await once(this.#resolved, [remote, userInfo, ref, checksum, fetchByCommit], async () => await this.#withGit(request, (openGit) => resolveGit(request, openGit(undefined), signal), signal));
  }

  /** Covers the commit and what is made of it; with a .git also its name, which stands in there. */
  key({ keepGitDir, subdir, submodules, commitTimes, remote }: GitRequest, { hash, commit, ref }: ResolvedGit): Digest {
    const content = keepGitDir ? [hash, ref, remote] : [commit ?? hash];
    return digestOf(Buffer.from(canonicalJson(["git", content, subdir, submodules, commitTimes])));
  }

  async layer(request: GitRequest, signal: AbortSignal): Promise<Layer> {
    const resolved = await this.resolve(request, signal);
    const fetched = await this.#fetch(request, resolved, signal);
    const { workspace, layers } = this.#services;
    const directory = workspace.claim();
    try {
      return await this.#withGit(request, (openGit) => layers.write(checkedOutMembers({ request, resolved, fetched, directory, git: openGit(undefined) }, signal), signal), signal);
    } finally {
      await workspace.discard(directory);
    }
  }

  /** What a reference names, as it is in the repository. Throws SourceError where that is not what its hash says. */
  async objects(request: GitRequest, signal: AbortSignal): Promise<GitObjects> {
    const resolved = await this.resolve(request, signal);
    const fetched = await this.#fetch(request, resolved, signal);
    return await this.#withGit(request, (openGit) => readObjects(fetched, resolved.hash, openGit(undefined), signal), signal);
  }

  /** Seconds since 1970 at which the commit was made. */
  async commitTime(request: GitRequest, signal: AbortSignal): Promise<bigint> {
    const fetched = await this.#fetch(request, await this.resolve(request, signal), signal);
    return await this.#withGit(request, (openGit) => commitTime(fetched, openGit(undefined), signal), signal);
  }

  async #fetch(request: GitRequest, resolved: ResolvedGit, signal: AbortSignal): Promise<FetchedCommit> {
    return await once(this.#fetched, [request.remote, request.userInfo, resolved.hash], async () =>
      await this.#withGit(request, (openGit) => fetchCommit({ parent: this.#services.directory, hold: this.#services.hold }, { remote: request.remote, resolved }, openGit, signal), signal));
  }

  /** Git with what it needs for this repository; files that are made for it are gone afterwards. */
  async #withGit<T>(request: GitRequest, work: (openGit: OpenGit) => Promise<T>, signal: AbortSignal): Promise<T> {
    const { directory, workspace, session, env } = this.#services;
    const settings = await gitCredentials(request, session, signal);
    const agentSocket = request.sshId === "" ? undefined : await session.agent(request.sshId, signal);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const scratch = workspace.claim();
    try {
      const authorities = await authoritiesFile(env, scratch);
      const openGit: OpenGit = (lock) => requireGit(findRemoteGit({ env, settings, authorities, lock, ssh: { agentSocket, knownHosts: join(directory, "known_hosts") } }));
      return await work(openGit);
    } finally {
      await workspace.discard(scratch);
    }
  }
}

function requireGit(git: RemoteGit | undefined): RemoteGit {
  if (git === undefined) throw new SourceError("tool-missing", "git was not found in the system: install it to build from repositories");
  return git;
}

/** What our own connections believe, for git's, which knows one file at a time. Undefined where the machine's will do. */
async function authoritiesFile(env: Environment, directory: string): Promise<string | undefined> {
  const named = env["GIT_SSL_CAINFO"];
  if (named !== undefined && named !== "") return named;
  if (!["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"].some((name) => (env[name] ?? "") !== "")) return undefined;
  const path = join(directory, "authorities.pem");
  await writeFile(path, (await trustedAuthorities(env)).join("\n"));
  return path;
}

function once<T>(known: Map<string, Promise<T>>, key: readonly unknown[], work: () => Promise<T>): Promise<T> {
  const name = JSON.stringify(key);
  let running = known.get(name);
  if (running === undefined) known.set(name, (running = work()));
  return running;
}
