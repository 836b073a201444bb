import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import { lintDockerfile, type LintResult } from "./lint.ts";
import { describeTargets } from "./subrequest-json.ts";
import { listTargets } from "./targets.ts";

const AMD64 = { os: "linux", architecture: "amd64" } as const;

/** Nothing but a Dockerfile, and no image. */
function gatewayTo(dockerfile: string): Gateway {
  return {
    resolveImage: async (ref) => await Promise.reject(new Error(`${ref} was asked for`)),
    solve: async () => ({ readFile: async (path) => (path === "Dockerfile" ? Buffer.from(dockerfile) : undefined) }),
  };
}

function requestOf(opts: Readonly<Record<string, string>>): FrontendRequest {
  return { opts: new Map(Object.entries(opts)), sessionId: "s1", workerPlatforms: [AMD64], hostPlatform: AMD64, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map() };
}

async function lint(dockerfile: string, opts: Readonly<Record<string, string>> = {}): Promise<LintResult> {
  return await lintDockerfile(gatewayTo(dockerfile), requestOf(opts), new AbortController().signal);
}

async function found(dockerfile: string, opts: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const { findings, failure } = await lint(dockerfile, opts);
  assert.equal(failure?.message, undefined);
  return findings.map(({ rule, message, location }) => `${location[0]?.start.line} ${rule}: ${message}`);
}

describe("a comment above a FROM or an ARG", () => {
  const all = { "build-arg:BUILDKIT_DOCKERFILE_CHECK": "experimental=all" };

  test("that does not begin with what it would describe is found, where the rule is asked for", async () => {
    const dockerfile = "# The tools\nFROM scratch AS tools\n\n# A and more\n\nARG A=1 B\n# what is used\nARG C\n";
    const named = { "build-arg:BUILDKIT_DOCKERFILE_CHECK": "experimental=InvalidDefinitionDescription" };
    const expected = [
      "2 InvalidDefinitionDescription: Comment for FROM should follow the format: `# tools <description>`",
      "8 InvalidDefinitionDescription: Comment for ARG should follow the format: `# C <description>`",
    ];
    assert.deepEqual(await found(dockerfile, all), expected);
    assert.deepEqual(await found(dockerfile, named), expected);
    assert.deepEqual(await found(dockerfile), []);
    assert.deepEqual(await found(`# check=experimental=all\n${dockerfile}`), expected.map((line) => line.replace(/^\d+/, (number) => String(Number(number) + 1))));
  });

  test("counts by its last line, and one of several names will do", async () => {
    assert.deepEqual(await found("# first\n# tools and more\nFROM scratch AS tools\n# B is it\nARG A B\n", all), []);
    assert.deepEqual(await found("# none of them\nARG A B\nFROM scratch\n", all), ["2 InvalidDefinitionDescription: Comment for ARG should follow the format: `# <arg_key> <description>`"]);
  });

  test("is nobody's description where a stage has no name, or a bare sign or another comment parts them", async () => {
    assert.deepEqual(await found("# anything\nFROM scratch\n", all), []);
    assert.deepEqual(await found("# anything\n#\nFROM scratch AS a\n", all), []);
  });
});

test("what a base does with ONBUILD is looked at in the stages of the target alone", async () => {
  const dockerfile = "FROM scratch AS a\nONBUILD WORKDIR w\nFROM a AS b\nWORKDIR /x\nFROM scratch AS c\n";
  assert.deepEqual(await found(dockerfile), []);
  assert.deepEqual(await found(dockerfile, { target: "b" }), ['3 WorkdirRelativePath: Relative workdir "w" can have unexpected results if the base image changes']);
});

test("stages that a context stands for are looked into as well", async () => {
  assert.deepEqual(await found("FROM scratch AS base\nCMD a b\nFROM base\n", { "context:base": "local:base" }), [
    "2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
  ]);
});

test("what cannot be converted is the result's failure, with the place that BuildKit gives it, or none", async () => {
  for (const [dockerfile, message, lines] of [
    ["FROM scratch AS base--\n", "invalid context name base--: invalid reference format", []],
    ["FROM scratch AS a\nFROM scratch\nCOPY --from=a${#F} a b\n", 'failed to process "a${#F}": unsupported modifier (F) in substitution', []],
    ["FROM scratch AS a\nFROM a\n", "invalid context specifier nothing for a", [1]],
  ] as const) {
    const { failure } = await lint(dockerfile, { "context:a": "nothing" });
    assert.deepEqual([failure?.message, failure?.locations.flat().map(({ start }) => start.line)], [message, lines], dockerfile);
  }
});

test("a Dockerfile of arguments alone has no list of targets", async () => {
  const list = await listTargets(gatewayTo("ARG A=1\n"), requestOf({}), new AbortController().signal);
  assert.equal((JSON.parse(describeTargets(list)) as { readonly targets: unknown }).targets, null);
});
