/** What the environment of a CI system says of itself. Claims: whoever starts the build can set these variables. */
export interface CiBuilder {
  /** URL of the workflow: the same in each of its runs, so that equal builds have equal records. */
  readonly id: string;
  /** URL of this run of it, where known. For the build's history; it stands in no record. */
  readonly run: string | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Of several the first: a system that is started by another is the nearer one. Undefined where no CI is known, or where its variables name no URL. */
export function ciBuilder(env: Variables): CiBuilder | undefined {
  for (const find of SYSTEMS) {
    const found = find(env);
    if (found !== undefined && isWebUrl(found.id)) return { id: found.id, run: found.run !== undefined && isWebUrl(found.run) ? found.run : undefined };
  }
  return undefined;
}

const SYSTEMS: ReadonlyArray<(env: Variables) => CiBuilder | undefined> = [githubActions, gitlabCi, circleCi, buildkite, azurePipelines, jenkins];

/** The workflow's file at a ref; of a reusable workflow, the one that called it. */
function githubActions(env: Variables): CiBuilder | undefined {
  const id = joined(env["GITHUB_SERVER_URL"], env["GITHUB_WORKFLOW_REF"]);
  const run = joined(env["GITHUB_SERVER_URL"], env["GITHUB_REPOSITORY"], "actions/runs", env["GITHUB_RUN_ID"], "attempts", env["GITHUB_RUN_ATTEMPT"]);
  return id === undefined ? undefined : { id, run };
}

/** `HOST/GROUP/PROJECT//FILE@REF` since GitLab 18.11; the project before that. */
function gitlabCi(env: Variables): CiBuilder | undefined {
  const { CI_SERVER_URL: server, CI_CONFIG_REF_URI: config } = { CI_SERVER_URL: given(env["CI_SERVER_URL"]), CI_CONFIG_REF_URI: given(env["CI_CONFIG_REF_URI"]) };
  const scheme = server?.startsWith("http://") === true ? "http" : "https";
  const id = config === undefined ? joined(server, env["CI_PROJECT_PATH"]) : `${scheme}://${config}`;
  return id === undefined ? undefined : { id, run: given(env["CI_JOB_URL"]) };
}

/** The address of a job without its number. */
function circleCi(env: Variables): CiBuilder | undefined {
  const [run, number] = [given(env["CIRCLE_BUILD_URL"]), given(env["CIRCLE_BUILD_NUM"])];
  return run === undefined || number === undefined || !run.endsWith(`/${number}`) ? undefined : { id: run.slice(0, -number.length - 1), run };
}

function buildkite(env: Variables): CiBuilder | undefined {
  const id = joined("https://buildkite.com", env["BUILDKITE_ORGANIZATION_SLUG"], env["BUILDKITE_PIPELINE_SLUG"]);
  return id === undefined ? undefined : { id, run: given(env["BUILDKITE_BUILD_URL"]) };
}

function azurePipelines(env: Variables): CiBuilder | undefined {
  const project = joined(env["SYSTEM_COLLECTIONURI"], encoded(env["SYSTEM_TEAMPROJECT"]));
  const [definition, build] = [given(env["SYSTEM_DEFINITIONID"]), given(env["BUILD_BUILDID"])];
  if (project === undefined || definition === undefined) return undefined;
  return { id: `${project}/_build?definitionId=${definition}`, run: build === undefined ? undefined : `${project}/_build/results?buildId=${build}` };
}

/** JOB_URL alone may be anybody's. */
function jenkins(env: Variables): CiBuilder | undefined {
  const id = given(env["JENKINS_URL"]) === undefined ? undefined : given(env["JOB_URL"]);
  return id === undefined ? undefined : { id, run: given(env["BUILD_URL"]) };
}

/** With one slash between; undefined where one of them is not given. */
function joined(...parts: ReadonlyArray<string | undefined>): string | undefined {
  const all = parts.map(given);
  return all.includes(undefined) ? undefined : all.map((part, i) => (i === all.length - 1 ? part : part?.replace(/\/+$/, ""))).join("/");
}

function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function encoded(value: string | undefined): string | undefined {
  return value === undefined ? undefined : encodeURIComponent(value);
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
}
