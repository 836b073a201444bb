import { shownRemote } from "../git/shown-remote.ts";
import type { RemoteGit, RemoteGitResult } from "../git/remote-git.ts";
import { isCommitHash, type GitRequest } from "./git-request.ts";
import { SourceError } from "./source-error.ts";

/** What a reference stands for at this moment. */
export interface ResolvedGit {
  /** As it is in the repository (`refs/heads/main`); the hash where that was asked for. */
  readonly ref: string;
  /** Of the commit, or of an annotated tag. It is what provenance names. */
  readonly hash: string;
  /** Of the commit. Undefined where `hash` may be a commit's or a tag's, until it is fetched. */
  readonly commit: string | undefined;
}

/** Asks the server, if the request does not say it all. Throws SourceError with BuildKit's words. */
export async function resolveGit(request: GitRequest, git: RemoteGit, signal: AbortSignal): Promise<ResolvedGit> {
  const { ref, checksum } = request;
  if (isCommitHash(ref)) {
    if (!ref.startsWith(checksum)) throw new SourceError("corrupt", `expected checksum to match ${checksum}, got ${ref}`);
    return { ref, hash: ref, commit: undefined };
  }
  if (request.fetchByCommit) return resolveByCommit(request);
  const resolved = ref === "" ? await resolveDefault(request, git, signal) : await resolveNamed(request, git, signal);
  if (!resolved.hash.startsWith(checksum) && !resolved.commit?.startsWith(checksum)) {
    const got = resolved.commit === undefined || resolved.commit === resolved.hash ? resolved.hash : `${resolved.hash} or ${resolved.commit}`;
    throw new SourceError("corrupt", `expected checksum to match ${checksum}, got ${got}`);
  }
  return resolved;
}

function resolveByCommit({ ref, checksum }: GitRequest): ResolvedGit {
  if (checksum === "") throw new SourceError("unsupported", "fetch-by-commit requires a checksum or a commit SHA ref");
  if (!isCommitHash(checksum)) throw new SourceError("unsupported", `fetch-by-commit requires a full commit SHA checksum, got ${JSON.stringify(checksum)}`);
  const named = ref === "" ? checksum : ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
  return { ref: named, hash: checksum, commit: undefined };
}

async function resolveDefault({ remote }: GitRequest, git: RemoteGit, signal: AbortSignal): Promise<ResolvedGit> {
  const listed = await git.run(["ls-remote", "--symref", "--", remote, "HEAD"], signal);
  if (listed.exitCode !== 0) throw refused(`error fetching default branch for repository ${shownRemote(remote)}`, listed);
  const ref = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(listed.stdout)?.[1];
  const hash = /^([0-9a-f]+)\tHEAD$/m.exec(listed.stdout)?.[1];
  if (ref === undefined || hash === undefined || !isCommitHash(hash)) throw new SourceError("not-found", `could not find default branch for repository: ${shownRemote(remote)}`);
  return { ref, hash, commit: hash };
}

/** A full name first, then a branch, then a tag: git's own order for a checkout. */
async function resolveNamed({ remote, ref }: GitRequest, git: RemoteGit, signal: AbortSignal): Promise<ResolvedGit> {
  const listed = await git.run(["ls-remote", "--", remote, ref, `${ref}^{}`], signal);
  if (listed.exitCode !== 0) throw refused(`failed to fetch remote ${shownRemote(remote)}`, listed);
  const hashes = new Map(listed.stdout.split("\n").filter((line) => line.includes("\t")).map((line) => [line.slice(line.indexOf("\t") + 1), line.slice(0, line.indexOf("\t"))]));
  const tag = `refs/tags/${ref.replace(/^refs\/tags\//, "")}`;
  const branch = `refs/heads/${ref.replace(/^refs\/heads\//, "")}`;
  for (const name of [`refs/${ref.replace(/^refs\//, "")}`, branch, tag]) {
    const hash = hashes.get(name);
    if (hash === undefined) continue;
    if (!isCommitHash(hash)) throw new SourceError("corrupt", `invalid commit sha ${JSON.stringify(hash)}`);
    return { ref: name, hash, commit: name.startsWith("refs/tags/") ? (hashes.get(`${name}^{}`) ?? hash) : hash };
  }
  throw new SourceError("not-found", `repository does not contain ref ${ref}, output: ${JSON.stringify(listed.stdout)}`);
}

const UNREACHED = /could not resolve host|connection (?:refused|timed out|reset)|failed to connect|couldn't connect|returned error: (?:5\d\d|429)|early eof|hung up unexpectedly|unable to connect|network is unreachable|no route to host/i;
const UNAUTHORIZED = /could not read (?:username|password)|authentication failed|returned error: 40[13]|permission denied|terminal prompts disabled/i;

/** What git said, with what can be done where that is known. */
export function refused(what: string, { complaint, exitCode }: RemoteGitResult): SourceError {
  const message = `${what}: git stderr:\n${complaint === "" ? "" : `${complaint}\n`}: exit status ${exitCode}`;
  if (UNAUTHORIZED.test(complaint)) return new SourceError("unauthorized", `${message}: give a token with --secret id=GIT_AUTH_TOKEN,env=VARIABLE (for ssh an agent with --ssh default)`);
  return new SourceError(UNREACHED.test(complaint) ? "unavailable" : "not-found", message);
}
