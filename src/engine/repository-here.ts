import { HistoryError } from "../history/history-error.ts";
import type { Environment } from "../host/environment.ts";
import { isGitProblem, readGitFacts } from "../git/git-facts.ts";

/** The remote of the repository that a directory is in, as builds of it are recorded. Throws HistoryError "missing-input". */
export async function repositoryHere(directory: string, env: Environment, signal: AbortSignal): Promise<string> {
  // Whether builds are to have it in their records is another question.
  const facts = await readGitFacts(directory, undefined, { ...env, BUILDX_GIT_INFO: "1" }, signal);
  if (facts === undefined) throw new HistoryError("missing-input", `could not find git repository for local filter: ${directory} is in none`);
  if (isGitProblem(facts)) throw new HistoryError("missing-input", `could not find git repository for local filter: ${facts.problem}`);
  if (facts.remote === undefined) throw new HistoryError("missing-input", "could not get remote URL for local filter: no remote found, `git remote add origin URL` names one");
  return facts.remote;
}
