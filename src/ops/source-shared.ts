import { digestOf, type Digest, type DiffId } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import { renderJson } from "../provenance/json-tree.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { SharedMap } from "../solver/shared-cache.ts";
import { isCommitHash, type GitRequest } from "../source/git-request.ts";
import type { ResolvedGit } from "../source/git-resolve.ts";
import type { HttpFile, HttpFileRequest } from "../source/http.ts";
import { platformMembers } from "./exec-shared.ts";

/** A source as BuildKit names it (solver/llbsolver/ops/source.go). */
function sourceMap(keys: readonly string[]): SharedMap<LayerChain> {
  return { digests: keys.map((key) => digestOf(Buffer.from(`buildkit.source.v0:${key}`))), selectors: [], contentOf: [] };
}

/** By what its name points to, an index or a manifest, and by its layers: images that differ in their configuration only are found by these. */
export function imageSharedMap(pointedTo: Digest, platform: Platform, diffIds: readonly DiffId[]): SharedMap<LayerChain> {
  const byName = digestOf(Buffer.from(renderJson({ Digest: pointedTo, ...platformMembers(platform) }, "compact")));
  const [first, ...rest] = diffIds;
  return sourceMap(first === undefined ? [byName] : [byName, chainId(first, rest)]);
}

/** image-spec, config.md, "Layer ChainID". */
function chainId(first: DiffId, rest: readonly DiffId[]): string {
  return rest.reduce<string>((chain, diffId) => digestOf(Buffer.from(`${chain} ${diffId}`)), first);
}

/** BuildKit's default mode of a file is to say nothing of it. */
const UNSAID_MODE = 0o600;

export function httpSharedMap({ mode, uid, gid }: HttpFileRequest, { filename, digest, lastModifiedNs }: HttpFile): SharedMap<LayerChain> {
  const modified = lastModifiedNs === 0n ? undefined : new Date(Number(lastModifiedNs / 1_000_000n)).toUTCString();
  return sourceMap([digestOf(Buffer.from(renderJson({ Filename: filename, Perm: mode === UNSAID_MODE ? 0 : mode, UID: uid, GID: gid, Checksum: digest, LastModTime: modified }, "compact")))]);
}

export function gitSharedMap({ keepGitDir, subdir, submodules, commitTimes }: GitRequest, { ref, hash, commit }: ResolvedGit): SharedMap<LayerChain> {
  const named = isCommitHash(ref) || keepGitDir ? hash : (commit ?? hash);
  const repository = keepGitDir ? `.git${ref === "" ? "" : `#${ref}`}` : "";
  return sourceMap([`${named}${repository}${subdir === "" ? "" : `:${subdir}`}${submodules ? "" : "(skip-submodules)"}${commitTimes ? "(mtime=commit)" : ""}`]);
}
