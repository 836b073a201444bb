import { isGitProblem, type GitFacts } from "../git/git-facts.ts";
import { gitSettings } from "../git/git-settings.ts";
import type { CommitCheck } from "../git/verify-commit.ts";
import { DIFFERENCES_NAMED_MAX, type CommitRecord } from "../provenance/extension.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import { checkCommit } from "./check-commit.ts";
import type { Compiled } from "./compiled.ts";
import { directoryPaths } from "./directories.ts";
import { markDirty } from "./mark-dirty.ts";

/** What a build can say of the commit that its files are of, once their bytes are known. */
export interface SettledCommit<Build extends Compiled> {
  /** With `-dirty` after the revision, where that was asked for and is so. */
  readonly compiled: Build;
  /** Undefined where there is no commit, or where it is not to be told. */
  readonly commit: CommitRecord | undefined;
}

/** Looks at what the build has read so far: all its graphs must be solved. */
export async function settleCommit<Build extends Compiled>(plan: BuildPlan, compiled: Build, means: BuildMeans, signal: AbortSignal): Promise<SettledCommit<Build>> {
  const { git, env } = means;
  const settings = gitSettings(env);
  if (git === undefined) return { compiled, commit: undefined };
  if (isGitProblem(git)) return { compiled, commit: settings.info ? { commit: undefined, kind: "unchecked", cause: git.isRefused ? "refused" : "unreadable" } : undefined };
  if (git.commit === undefined || !(settings.info || settings.checkDirty)) return { compiled, commit: undefined };
  const check = await checkFacts({ ...git, commit: git.commit }, plan, means, signal);
  report(check, git.commit, means);
  const isDirty = settings.checkDirty && check.kind !== "equal";
  return {
    compiled: isDirty ? markDirty(compiled, git.commit, plan.labels) : compiled,
    commit: settings.info ? recordOf(check, git.commit) : undefined,
  };
}

async function checkFacts({ root, commit }: GitFacts & { readonly commit: string }, plan: BuildPlan, { services, engine, env }: BuildMeans, signal: AbortSignal): Promise<CommitCheck> {
  return await checkCommit({ root, commit, locals: services.locals.done, directories: directoryPaths(plan), database: engine.state.database, env }, signal);
}

function recordOf(check: CommitCheck, commit: string): CommitRecord {
  switch (check.kind) {
    case "equal":
      return { ...check, commit };
    case "different":
      return { ...check, commit, differing: check.differences.length, differences: check.differences.slice(0, DIFFERENCES_NAMED_MAX) };
    case "unchecked":
      return { kind: "unchecked", commit, cause: check.cause };
  }
}

/** What kept us from an answer, and is not the user's own change. */
function report(check: CommitCheck, commit: string, means: BuildMeans): void {
  if (check.kind === "unchecked") means.report({ kind: "notice", message: `WARNING: the files of this build were not compared with commit ${commit}: ${check.problem}` });
  if (check.kind !== "different") return;
  const reasons = new Set(check.differences.flatMap(({ reason }) => (reason.startsWith("filter ") ? [reason] : [])));
  for (const reason of reasons) means.report({ kind: "notice", message: `WARNING: ${reason}: files that go through it count as different from commit ${commit}` });
}
