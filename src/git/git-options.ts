import type { Environment } from "../host/environment.ts";
import type { GitFacts, GitProblem } from "./git-facts.ts";
import { isGitProblem } from "./git-facts.ts";
import { gitSettings } from "./git-settings.ts";

/** What a repository adds to a build's request (anchor A80, A81). */
export interface GitOptions {
  /** Labels of the image, by their keys. */
  readonly labels: Readonly<Record<string, string>>;
  /** Options for the record, named `vcs:…`. */
  readonly vcs: Readonly<Record<string, string>>;
}

export const REVISION_LABEL = "org.opencontainers.image.revision";

export function gitOptions(facts: GitFacts | GitProblem | undefined, env: Environment): GitOptions {
  if (facts === undefined || isGitProblem(facts)) return { labels: {}, vcs: {} };
  const settings = gitSettings(env);
  const labels = {
    "com.docker.image.source.entrypoint": facts.dockerfilePath,
    [REVISION_LABEL]: facts.commit,
    "org.opencontainers.image.source": facts.remote,
  };
  const vcs = {
    "vcs:localdir:context": facts.contextPath,
    "vcs:localdir:dockerfile": facts.dockerfilePath === undefined ? undefined : directoryOf(facts.dockerfilePath),
    "vcs:revision": facts.commit,
    "vcs:source": facts.remote,
  };
  return { labels: settings.labels ? present(labels) : {}, vcs: settings.info ? present(vcs) : {} };
}

/** The request's options with git's. A label that the user gave stays: the user knows better than the repository. */
export function withGitOptions(options: Readonly<Record<string, string>>, { labels, vcs }: GitOptions): Record<string, string> {
  const labelOptions = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label:${key}`, value]));
  return { ...labelOptions, ...options, ...vcs };
}

function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "." : path.slice(0, slash);
}

function present(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) if (value !== undefined) given[key] = value;
  return given;
}
