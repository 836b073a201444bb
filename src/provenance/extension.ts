import type { Digest } from "../content/digest.ts";
import type { Capture, IsolationCapture } from "./capture.ts";
import { hermeticJson } from "./hermetic.ts";
import { nonEmptyList, type JsonObject } from "./json-tree.ts";
import { commitDigestSet, digestSet, type Material } from "./materials.ts";
import type { ProvenancePlan } from "./params.ts";

/** Whether the files that the build used equal a commit: the result of a check, not a claim. */
export type CommitRecord =
  | { readonly kind: "equal"; readonly commit: string; readonly files: number; readonly converted: number }
  | {
      readonly kind: "different"; readonly commit: string; readonly files: number; readonly converted: number;
      /** Paths that differ from the commit, are not in it, or are missing. */
      readonly differing: number;
      /** Some of them, at most DIFFERENCES_NAMED_MAX. */
      readonly differences: ReadonlyArray<{ readonly path: string; readonly reason: string }>;
    }
  /** `commit` is undefined where not even that could be read. `cause` is a fixed word. */
  | { readonly kind: "unchecked"; readonly commit: string | undefined; readonly cause: string };

export const DIFFERENCES_NAMED_MAX = 100;

/** The same image was built from nothing once more, and came out the same, bit for bit. There is none of a build that did not. */
export interface RebuildRecord {
  /** Builds that were compared. */
  readonly runs: number;
}

/** A file of the policies that were asked about each source of the build, and allowed it; `data`: one that they read. */
export interface PolicyRecord {
  readonly kind: "rego" | "data" | "source-policy";
  readonly name: string;
  readonly digest: Digest;
}

/** What was found out about a build, besides what it used. */
export interface Findings {
  /** Undefined when there was no commit to compare with. */
  readonly commit: CommitRecord | undefined;
  /** Undefined when nobody asked. */
  readonly rebuild: RebuildRecord | undefined;
  readonly policies: readonly PolicyRecord[];
}

/**
 * What we say beyond BuildKit's record: the table in docs/provenance.md has each key. Digests, numbers and fixed words
 * only, so that `mode=min` may hold all of it; `mode=max` names paths as well.
 */
export function extensionJson(capture: Capture, { plan, commit, rebuild, policies }: Findings & { readonly plan: ProvenancePlan }): JsonObject {
  return {
    stemma_inputs: nonEmptyList(capture.locals.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest: digestSet(digest), check: "content" }]))),
    stemma_commit: commit === undefined ? undefined : { ...commitJson(commit), differences: plan.mode === "max" ? differencesJson(commit) : undefined },
    stemma_builder: plan.builder.basis === "environment" ? { basis: plan.builder.basis } : undefined,
    stemma_hermetic: hermeticJson(capture),
    stemma_reproducible: rebuild === undefined ? undefined : { verified: true, check: "rebuild", runs: rebuild.runs },
    stemma_policies: nonEmptyList(policies.map(({ kind, name, digest }) => ({ kind, name: plan.mode === "max" ? name.toWellFormed() : undefined, digest: digestSet(digest) }))),
    stemma_isolation: nonEmptyList(isolations(capture).map(({ runtime, seccomp, rootless }) => ({ runtime, seccomp, rootless }))),
    stemma_network: nonEmptyList([...new Set(capture.runs.map(({ network }) => network))].toSorted()),
  };
}

/** A verified commit is a material like any other; where it can be had from is the `vcs:source` of the request. Without that it has no name that others could look up. */
export function commitMaterial(commit: CommitRecord | undefined, source: string | undefined): readonly Material[] {
  if (commit?.kind !== "equal" || source === undefined || source === "") return [];
  return [{ uri: source, digest: commitDigestSet(commit.commit) }];
}

function commitJson(record: CommitRecord): JsonObject {
  const digest = record.commit === undefined ? undefined : commitDigestSet(record.commit);
  if (record.kind === "unchecked") return { digest, verified: false, unchecked: record.cause };
  const { files, converted } = record;
  return { digest, verified: record.kind === "equal", check: "tree", files, converted: converted === 0 ? undefined : converted, differing: record.kind === "different" ? record.differing : undefined };
}

/** A name that is no UTF-8 has replacement characters, as in Go's JSON. */
function differencesJson(record: CommitRecord): readonly JsonObject[] | undefined {
  if (record.kind !== "different") return undefined;
  return record.differences.map(({ path, reason }) => ({ path: path.toWellFormed(), reason }));
}

function isolations({ runs }: Capture): readonly IsolationCapture[] {
  const known = new Map(runs.flatMap(({ isolation }) => (isolation === undefined ? [] : [[JSON.stringify(isolation), isolation] as const])));
  return [...known].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, isolation]) => isolation);
}
