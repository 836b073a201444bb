import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadGraph } from "../../llb/graph.ts";
import type { Definition } from "../../llb/definition.ts";
import { digestOf } from "../../content/digest.ts";
import type { FrontendRequest, FrontendResult } from "../frontend.ts";
import type { Gateway, ResolveImageOptions } from "../gateway.ts";
import { buildDockerfile } from "./build.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { FrontendOptionError } from "./frontend-option-error.ts";

const AMD64 = { os: "linux", architecture: "amd64" } as const;

/** A gateway over files by local directory, where every image is of one layer. */
class FakeGateway implements Gateway {
  readonly resolved: string[] = [];
  readonly #files: ReadonlyMap<string, string>;
  readonly #config: Readonly<Record<string, unknown>>;

  constructor(files: Readonly<Record<string, string>>, config: Readonly<Record<string, unknown>> = {}) {
    this.#files = new Map(Object.entries(files));
    this.#config = config;
  }

  async resolveImage(ref: string, { platform }: ResolveImageOptions): ReturnType<Gateway["resolveImage"]> {
    this.resolved.push(ref);
    const config = { ...platform, rootfs: { type: "layers", diff_ids: [digestOf(Buffer.from(ref))] }, config: this.#config };
    return { ref, digest: digestOf(Buffer.from(ref)), config: Buffer.from(JSON.stringify(config)) };
  }

  async solve(definition: Definition): ReturnType<Gateway["solve"]> {
    const [vertex] = loadGraph(definition).vertices.values();
    const directory = vertex?.op.op.case === "source" ? vertex.op.op.value.identifier.replace("local://", "") : "";
    return {
      readFile: async (path) => {
        const text = this.#files.get(`${directory}/${path}`);
        return text === undefined ? undefined : Buffer.from(text);
      },
    };
  }
}

function requestOf(opts: Readonly<Record<string, string>>): FrontendRequest {
  return { opts: new Map(Object.entries(opts)), sessionId: "s1", workerPlatforms: [AMD64], hostPlatform: AMD64, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map() };
}

async function build(dockerfile: string, opts: Readonly<Record<string, string>> = {}, files: Readonly<Record<string, string>> = {}): Promise<FrontendResult> {
  return await buildDockerfile(new FakeGateway({ "dockerfile/Dockerfile": dockerfile, ...files }), requestOf(opts), new AbortController().signal);
}

function names(result: FrontendResult, at = 0): readonly string[] {
  const definition = result.results[at]?.definition ?? assert.fail("no result");
  return [...loadGraph(definition).vertices.values()].map(({ name }) => name);
}

function localAttrs(result: FrontendResult, name: string): Readonly<Record<string, string>> {
  const definition = result.results[0]?.definition ?? assert.fail("no result");
  for (const { op } of loadGraph(definition).vertices.values()) {
    if (op.op.case === "source" && op.op.value.identifier === `local://${name}`) return op.op.value.attrs;
  }
  return assert.fail(`no local source ${name}`);
}

function configOf(result: FrontendResult): { readonly config: Readonly<Record<string, unknown>>; readonly history: readonly unknown[]; readonly architecture: string; readonly os: string } {
  return JSON.parse(Buffer.from(result.results[0]?.config ?? assert.fail("no result")).toString());
}

describe("a Dockerfile", () => {
  test("becomes one step for each instruction that changes files", async () => {
    const result = await build("FROM alpine:3\nENV A=1\nRUN make $A\nCOPY src /src\nCMD [\"run\"]\n");
    const alpine = `docker.io/library/alpine:3@${digestOf(Buffer.from("docker.io/library/alpine:3"))}`;
    assert.deepEqual(names(result), [`[1/3] FROM ${alpine}`, "[2/3] RUN make 1", "[internal] load build context", "[3/3] COPY src /src"]);
    assert.deepEqual(configOf(result).config["Cmd"], ["run"]);
    assert.equal(configOf(result).history.length, 4);
  });

  test("asks for nothing that the target does not need", async () => {
    const gateway = new FakeGateway({ "dockerfile/Dockerfile": "FROM a AS one\nRUN x\nFROM b AS two\nRUN y\nFROM c\nCOPY --from=two / /\n" });
    await buildDockerfile(gateway, requestOf({}), new AbortController().signal);
    assert.deepEqual(gateway.resolved.toSorted(), ["docker.io/library/b:latest", "docker.io/library/c:latest"]);
  });

  test("resolves an image once, however many stages have it", async () => {
    const gateway = new FakeGateway({ "dockerfile/Dockerfile": "FROM a AS one\nFROM a AS two\nCOPY --from=one / /\n" });
    await buildDockerfile(gateway, requestOf({}), new AbortController().signal);
    assert.deepEqual(gateway.resolved, ["docker.io/library/a:latest"]);
  });

  test("takes of the context what its instructions name, but for what is ignored", async () => {
    const result = await build("FROM scratch\nCOPY b a/ /\n", {}, { "context/.dockerignore": "# no\n*.log\n" });
    const { "local.followpaths": paths, "local.excludepatterns": excluded, "local.session": session } = localAttrs(result, "context");
    assert.deepEqual([paths, excluded, session], ['["a","b"]', '["*.log"]', "s1"]);
  });

  test("prefers the ignore file of its own name", async () => {
    const files = { "context/.dockerignore": "a", "dockerfile/Dockerfile.dockerignore": "b" };
    assert.equal(localAttrs(await build("FROM scratch\nCOPY . /\n", {}, files), "context")["local.excludepatterns"], '["b"]');
  });

  test("is built once for each platform asked for", async () => {
    const result = await build("FROM alpine\nRUN uname -m\n", { platform: "linux/amd64,linux/arm64" });
    assert.equal(result.multiPlatform, true);
    assert.deepEqual(result.results.map(({ platform }) => platform?.architecture), ["amd64", "arm64"]);
    assert.match(names(result, 1)[0] ?? "", /^\[linux\/arm64 1\/2\] FROM/);
  });

  test("uses a local directory in the place of an image", async () => {
    const result = await build("FROM scratch\nCOPY --from=tools bin /bin\n", { "context:tools": "local:tools" }, { "tools/.dockerignore": "tmp" });
    const { "local.followpaths": paths, "local.excludepatterns": excluded, "local.sharedkeyhint": hint } = localAttrs(result, "tools");
    assert.deepEqual([paths, excluded, hint], ['["bin"]', '["tmp"]', "context:tools-"]);
  });

  test("runs the triggers of its base image first", async () => {
    const gateway = new FakeGateway({ "dockerfile/Dockerfile": "FROM base\nRUN second\n" }, { OnBuild: ["RUN first"] });
    const result = await buildDockerfile(gateway, requestOf({}), new AbortController().signal);
    assert.deepEqual(names(result).slice(1), ["[2/3] ONBUILD RUN first", "[3/3] RUN second"]);
    assert.equal(configOf(result).config["OnBuild"], undefined);
  });

  test("with SOURCE_DATE_EPOCH has that time in its history", async () => {
    const result = await build("FROM scratch\nENV A=1\n", { "build-arg:SOURCE_DATE_EPOCH": "86400" });
    assert.equal(result.results[0]?.epochSeconds, 86_400n);
    assert.deepEqual(configOf(result).history, [{ created: "1970-01-02T00:00:00Z", created_by: "ENV A=1", comment: "buildkit.dockerfile.v0", empty_layer: true }]);
  });

  test("reports findings where nothing is wrong yet, and fails where that is asked for", async () => {
    const dockerfile = "FROM scratch\nLABEL a b\n";
    const { warnings } = await build(dockerfile);
    assert.deepEqual(warnings.map(({ rule, location }) => [rule, location[0]?.start.line]), [["LegacyKeyValueFormat", 2]]);
    await assert.rejects(build(`# check=error=true\n${dockerfile}`), { message: "lint violation found for rules: LegacyKeyValueFormat" });
    assert.deepEqual((await build(`# check=skip=all\n${dockerfile}`)).warnings, []);
  });
});

test("a stage on a context that tells no platform is for the system of the builder, and its steps are named for none", async () => {
  const dockerfile = "FROM scratch AS base\nFROM base\nWORKDIR /x\n";
  const single = await build(dockerfile, { "context:base": "local:base" });
  assert.deepEqual([configOf(single).architecture, configOf(single).os], ["", "linux"]);
  const many = await build(dockerfile, { "context:base": "local:base", platform: "linux/amd64,linux/arm64" });
  assert.ok(names(many, 1).includes("[unknown stage-1 1/1] WORKDIR /x"), names(many, 1).join());
});

describe("a Dockerfile that cannot be built", () => {
  test("is refused at the line that is wrong", async () => {
    await assert.rejects(build("FROM scratch\nCOPY --chmod=99 a /\n"), (error: unknown) => {
      assert.ok(error instanceof DockerfileError);
      assert.deepEqual(error.locations.map((ranges) => ranges.map(({ start }) => start.line)), [[2]]);
      return true;
    });
  });

  test("names the stages that need each other", async () => {
    await assert.rejects(build("FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /\n"), { message: "circular dependency detected on stage: a" });
  });

  test("proposes the target that was meant", async () => {
    await assert.rejects(build("FROM scratch AS build\n", { target: "bulid" }), { message: 'target stage "bulid" could not be found (did you mean build?)' });
  });

  test("that is not there, or empty, is told as such", async () => {
    const nothing = buildDockerfile(new FakeGateway({}), requestOf({}), new AbortController().signal);
    await assert.rejects(nothing, { message: "failed to read dockerfile: open Dockerfile: no such file or directory" });
    await assert.rejects(build(""), { message: "the Dockerfile cannot be empty" });
  });

  test("an image that cannot be had is the cause, and says whether to try again", async () => {
    const refusal = Object.assign(new Error("registry is down"), { code: "unavailable", retryable: true });
    const gateway = new FakeGateway({ "dockerfile/Dockerfile": "FROM alpin\n" });
    gateway.resolveImage = async () => await Promise.reject(refusal);
    await assert.rejects(buildDockerfile(gateway, requestOf({}), new AbortController().signal), (error: unknown) => {
      assert.ok(error instanceof DockerfileError);
      assert.deepEqual([error.message, error.cause, error.retryable], ["alpin: registry is down (did you mean alpine?)", refusal, true]);
      return true;
    });
  });

  test("an attribute that is wrong is told before anything is read", async () => {
    await assert.rejects(build("FROM scratch\n", { "add-hosts": "a=b" }), new FrontendOptionError("failed to parse additional hosts: failed to parse IP b"));
  });
});
