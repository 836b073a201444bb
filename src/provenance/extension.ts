import type { Capture, IsolationCapture } from "./capture.ts";
import { hermeticJson } from "./hermetic.ts";
import { nonEmptyList, type JsonObject } from "./json-tree.ts";
import { commitDigestSet, digestSet, type Material } from "./materials.ts";

/** Whether the files that the build used equal a commit: the result of a check, not a claim. */
export interface CommitRecord {
  readonly commit: string;
  readonly verified: boolean;
  /** Files compared. */
  readonly files: number;
  /** Files that differ from the commit, are not in it, or are missing. */
  readonly differing: number;
}

/** The same image was built from nothing once more, and came out the same, bit for bit. There is none of a build that did not. */
export interface RebuildRecord {
  /** Builds that were compared. */
  readonly runs: number;
}

/** What was found out about a build, besides what it used. */
export interface Findings {
  /** Undefined when there was no commit to compare with. */
  readonly commit: CommitRecord | undefined;
  /** Undefined when nobody asked. */
  readonly rebuild: RebuildRecord | undefined;
}

/**
 * What we say beyond BuildKit's record: the table in docs/provenance.md has each key. Digests, numbers and fixed words
 * only, so that `mode=min` may hold all of it.
 */
export function extensionJson(capture: Capture, { commit, rebuild }: Findings): JsonObject {
  return {
    stemma_inputs: nonEmptyList(capture.locals.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest: digestSet(digest), check: "content" }]))),
    stemma_commit: commit === undefined ? undefined : commitJson(commit),
    stemma_hermetic: hermeticJson(capture),
    stemma_reproducible: rebuild === undefined ? undefined : { verified: true, check: "rebuild", runs: rebuild.runs },
    stemma_isolation: nonEmptyList(isolations(capture).map(({ runtime, seccomp, rootless }) => ({ runtime, seccomp, rootless }))),
    stemma_network: nonEmptyList([...new Set(capture.runs.map(({ network }) => network))].toSorted()),
  };
}

/** A verified commit is a material like any other; where it can be had from is the `vcs:source` of the request. */
export function commitMaterial(commit: CommitRecord | undefined, source: string | undefined): readonly Material[] {
  if (commit === undefined || !commit.verified || source === undefined || source === "") return [];
  return [{ uri: source, digest: commitDigestSet(commit.commit) }];
}

function commitJson({ commit, verified, files, differing }: CommitRecord): JsonObject {
  return { digest: commitDigestSet(commit), verified, check: "tree", files, differing: verified ? undefined : differing };
}

function isolations({ runs }: Capture): readonly IsolationCapture[] {
  const known = new Map(runs.flatMap(({ isolation }) => (isolation === undefined ? [] : [[JSON.stringify(isolation), isolation] as const])));
  return [...known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, isolation]) => isolation);
}
