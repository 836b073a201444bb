import assert from "node:assert/strict";
import { test } from "node:test";
import { ciBuilder } from "./ci-builder.ts";

const GITHUB = { GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: "https://github.com", GITHUB_WORKFLOW_REF: "owner/repo/.github/workflows/build.yml@refs/heads/main", GITHUB_REPOSITORY: "owner/repo", GITHUB_RUN_ID: "123", GITHUB_RUN_ATTEMPT: "2" };
const GITLAB = { GITLAB_CI: "true", CI_SERVER_URL: "https://gitlab.example.com", CI_PROJECT_PATH: "group/project", CI_JOB_URL: "https://gitlab.example.com/group/project/-/jobs/7" };

const CASES: ReadonlyArray<readonly [name: string, env: Readonly<Record<string, string>>, id: string | undefined, run?: string]> = [
  ["GitHub Actions", GITHUB, "https://github.com/owner/repo/.github/workflows/build.yml@refs/heads/main", "https://github.com/owner/repo/actions/runs/123/attempts/2"],
  ["a GitHub server of one's own", { GITHUB_SERVER_URL: "https://ghe.example.com/", GITHUB_WORKFLOW_REF: "o/r/.github/workflows/x.yml@refs/tags/v1" }, "https://ghe.example.com/o/r/.github/workflows/x.yml@refs/tags/v1"],
  ["GitLab", { ...GITLAB, CI_CONFIG_REF_URI: "gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main" }, "https://gitlab.example.com/group/project//.gitlab-ci.yml@refs/heads/main", "https://gitlab.example.com/group/project/-/jobs/7"],
  ["GitLab before 18.11", GITLAB, "https://gitlab.example.com/group/project", "https://gitlab.example.com/group/project/-/jobs/7"],
  ["GitLab without TLS", { CI_SERVER_URL: "http://gitlab:8080", CI_CONFIG_REF_URI: "gitlab:8080/g/p//ci.yml@refs/heads/x" }, "http://gitlab:8080/g/p//ci.yml@refs/heads/x"],
  ["CircleCI", { CIRCLE_BUILD_URL: "https://circleci.com/gh/org/repo/45", CIRCLE_BUILD_NUM: "45" }, "https://circleci.com/gh/org/repo", "https://circleci.com/gh/org/repo/45"],
  ["Buildkite", { BUILDKITE_ORGANIZATION_SLUG: "org", BUILDKITE_PIPELINE_SLUG: "pipe", BUILDKITE_BUILD_URL: "https://buildkite.com/org/pipe/builds/9" }, "https://buildkite.com/org/pipe", "https://buildkite.com/org/pipe/builds/9"],
  ["Azure Pipelines", { SYSTEM_COLLECTIONURI: "https://dev.azure.com/org/", SYSTEM_TEAMPROJECT: "my project", SYSTEM_DEFINITIONID: "12", BUILD_BUILDID: "99" }, "https://dev.azure.com/org/my%20project/_build?definitionId=12", "https://dev.azure.com/org/my%20project/_build/results?buildId=99"],
  ["Jenkins", { JENKINS_URL: "https://ci.example.com/", JOB_URL: "https://ci.example.com/job/a/", BUILD_URL: "https://ci.example.com/job/a/3/" }, "https://ci.example.com/job/a/", "https://ci.example.com/job/a/3/"],
  ["no CI", { PATH: "/bin", HOME: "/root" }, undefined],
  ["a CI that does not say which", { CI: "true", GITHUB_ACTIONS: "true", GITHUB_SERVER_URL: "https://github.com" }, undefined],
  ["empty variables", { GITHUB_SERVER_URL: "", GITHUB_WORKFLOW_REF: "o/r/x.yml@y" }, undefined],
  ["variables that make no URL", { GITHUB_SERVER_URL: "github", GITHUB_WORKFLOW_REF: "o/r/x.yml@y" }, undefined],
  ["a job of who knows what", { JOB_URL: "https://example.com/job" }, undefined],
  ["one job number in another's address", { CIRCLE_BUILD_URL: "https://circleci.com/gh/org/repo/45", CIRCLE_BUILD_NUM: "5" }, undefined],
];

for (const [name, env, id, run] of CASES) {
  test(`the builder is the workflow, not its run: ${name}`, () => {
    assert.deepEqual(ciBuilder(env), id === undefined ? undefined : { id, run });
  });
}

test("another run of a workflow is the same builder", () => {
  assert.equal(ciBuilder({ ...GITHUB, GITHUB_RUN_ID: "124", GITHUB_RUN_ATTEMPT: "1" })?.id, ciBuilder(GITHUB)?.id);
});
