import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { BuildError } from "../../src/doors/build.ts";
import { callBuild, compileBuild } from "../../src/doors/frontend.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { serve, type HttpFixture } from "../../src/testing/http-fixture.ts";
import { makeFrontendImage } from "./frontend/frontend-image.ts";
import { finished, openWorkshop, runSkip, type Tree, type Workshop, type WorkshopBuild } from "./workshop.ts";

const FRONTEND = "example.com/test/frontend:1";
const NEVER_PULLED = { timeout: 240_000 };

interface RecordedRequest {
  readonly frontend?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly inputs?: Readonly<Record<string, { readonly request: RecordedRequest }>>;
  readonly root?: { readonly request: RecordedRequest };
}

let workshop: Workshop;
let layout = "";
before(async () => {
  if (runSkip !== false) return;
  workshop = await openWorkshop();
  layout = await makeFrontendImage(workshop, { "moby.buildkit.frontend.caps": "moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts", "moby.buildkit.frontend.network.none": "true" });
});
after(async () => {
  if (runSkip === false) await workshop[Symbol.asyncDispose]();
});

const withFrontend = (options: WorkshopBuild = {}): WorkshopBuild => ({ ...options, buildContexts: { [FRONTEND]: `oci-layout://${layout}`, ...options.buildContexts } });
const tree = (program: object, options?: WorkshopBuild): Promise<Tree> => workshop.tree(`# syntax=${FRONTEND}\n${JSON.stringify(program)}`, withFrontend(options));

describe("a frontend that is an image", { skip: runSkip }, () => {
  test("makes the result of a language of its own, and warns", NEVER_PULLED, async () => {
    const built = await tree({ write: { "/a": "one", "/b": "two" } }, { buildArgs: { NAME: "value" } });
    assert.deepEqual([built.text("a"), built.text("b")], ["one", "two"]);
    const [warning] = built.events.filter((event) => event.kind === "warning");
    assert.deepEqual([warning?.rule, warning?.message, warning?.location?.startLine, warning?.url], ["TestRule", "this is only a test", 2, "https://example.com/rule"]);
    assert.match(built.output, /frontend for tests: write/);
  });

  test("is a material of the record, which names it and what it was asked", NEVER_PULLED, async () => {
    const { outcome } = await workshop.build(`# syntax=${FRONTEND} with words\n${JSON.stringify({ write: { "/a": "one" } })}`, withFrontend({ outputs: [`type=oci,dest=${workshop.path}/image.tar,name=x:1`], provenance: "mode=max" }));
    const record = (JSON.parse(outcome.metadata) as Record<string, { materials?: ReadonlyArray<{ uri: string }>; invocation?: { parameters?: Record<string, unknown> } }>)["buildx.build.provenance"];
    const { frontend, args, root } = record?.invocation?.parameters ?? {};
    assert.deepEqual([frontend, (args as Record<string, string>)["source"], (args as Record<string, string>)["cmdline"]], ["gateway.v0", FRONTEND, `${FRONTEND} with words`]);
    assert.ok(root !== undefined);
    assert.ok(record?.materials?.some(({ uri }) => uri.startsWith("pkg:oci/") || uri.startsWith("pkg:docker/")), JSON.stringify(record?.materials));
  });

  test("says more of its result than that, in statements of its own, but no provenance", NEVER_PULLED, async () => {
    const path = `${workshop.path}/attested`;
    const attested = (type: string) => workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify({ write: { "/a": "one" }, attest: { type, predicate: { checked: true } } })}`, withFrontend({ outputs: [`type=oci,tar=false,dest=${path},name=x:3`], provenance: "false" }));
    await attested("https://example.com/checked/v1");
    const blobs = readdirSync(`${path}/blobs/sha256`).map((name) => readFileSync(`${path}/blobs/sha256/${name}`));
    const statement = blobs.map((bytes) => (bytes[0] === 0x7b ? (JSON.parse(bytes.toString()) as { predicateType?: string; subject?: readonly object[]; predicate?: object }) : {})).find(({ predicateType }) => predicateType === "https://example.com/checked/v1");
    assert.deepEqual([statement?.predicate, statement?.subject?.length], [{ checked: true }, 1]);
    await assert.rejects(attested("https://slsa.dev/provenance/v1"), /frontend may not bundle provenance attestations/);
  });

  test("gives one result for each of several platforms", NEVER_PULLED, async () => {
    const { outcome } = await workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify({ write: { "/a": "x" }, platforms: ["linux/amd64", "linux/arm64"] })}`, withFrontend({ outputs: [`type=oci,dest=${workshop.path}/two.tar,name=x:2`] }));
    assert.deepEqual(outcome.platforms.map(({ platform }) => platform.architecture), ["amd64", "arm64"]);
  });

  test("reads files, directories and their facts, and is told what is not there", NEVER_PULLED, async () => {
    const { text } = await tree({ look: "/docs" }, { files: { "docs/one.txt": "abcdef", "docs/two.md": "no", "docs/zwei.txt": "12345" } });
    assert.deepEqual(JSON.parse(text("seen.json")), {
      entries: [["one.txt", 0o644, "6"], ["zwei.txt", 0o644, "5"]],
      parts: ["bcd", "234"],
      missing: "2 UNKNOWN: open /nope: no such file or directory",
      unknown: "2 UNKNOWN: no such ref: nobody",
      metadata: 2,
    });
  });

  test("hands a Dockerfile on to the built-in frontend, with graphs of its own as inputs", NEVER_PULLED, async () => {
    const forwarded = await tree({ forward: { dockerfile: "FROM base\nRUN echo forwarded > /f\n" } });
    assert.equal(forwarded.text("f"), "forwarded\n");
    const input = await tree({ input: { dockerfile: "FROM base\nCOPY --from=made /from-frontend /copied\n" } });
    assert.equal(input.text("copied"), "made by the frontend\n");
  });

  test("sees what a step made before it returns, and no step runs twice for it", NEVER_PULLED, async () => {
    const built = await tree({ evaluate: { dockerfile: "FROM base\nRUN echo here > /made; echo ran\n" } }, { noCache: true });
    assert.equal(built.text("made"), "here\n");
    assert.match(built.output, /read here/);
    assert.equal(built.output.match(/^ran$/gm)?.length, 1);
  });

  test("answers what is asked instead of a build, and can be compiled without one", NEVER_PULLED, async () => {
    const program = { answer: { json: { warnings: [{ ruleName: "Odd", detail: "odd thing", location: { ranges: [{ start: { line: 2 }, end: { line: 2 } }] } }] }, text: "one odd thing\n" } };
    const request = await workshop.request(`# syntax=${FRONTEND}\n${JSON.stringify(program)}`, withFrontend());
    const check = await callBuild(request, { name: "check", format: "text" }).result;
    assert.deepEqual([check.text, check.findings.map(({ rule, message, location }) => [rule, message, location[0]?.start.line])], ["Check complete, 1 warning has been found!\n\nWARNING: Odd\nodd thing\n", [["Odd", "odd thing", 2]]]);
    assert.deepEqual(JSON.parse((await callBuild(request, { name: "outline", format: "json" }).result).text), program.answer.json);
    const { results } = await compileBuild(await workshop.request(`# syntax=${FRONTEND}\n${JSON.stringify({ write: { "/a": "x" } })}`, withFrontend()));
    assert.ok(results[0] !== undefined && results[0].definition.def.length === 2);
  });
});

describe("the record of a frontend that is an image", { skip: runSkip }, () => {
  test("that has others build is told with what it asked them: the request, and those that its inputs came from", NEVER_PULLED, async () => {
    const chain = {
      base: "FROM base AS other\nFROM other AS wanted\nARG FLAVOUR\nRUN echo $FLAVOUR > /flavour\n", baseOptions: { target: "wanted", "build-arg:FLAVOUR": "sour", "build-arg:API_TOKEN": "hunter2-hunter2" },
      dockerfile: "FROM made\nRUN cat /flavour > /copied\n",
    };
    const recorded = async (provenance: string): Promise<RecordedRequest> => {
      const out = `${workshop.path}/chain-${provenance}`;
      const { outcome } = await workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify({ chain })}`, withFrontend({ outputs: [`type=local,dest=${out}`], provenance }));
      assert.ok(!outcome.metadata.includes("hunter2"));
      const { predicate } = JSON.parse(readFileSync(`${out}/provenance.json`, "utf8")) as { predicate: { buildDefinition: { externalParameters: { request: RecordedRequest } } } };
      return predicate.buildDefinition.externalParameters.request;
    };
    const { frontend, args, inputs, root } = await recorded("mode=max");
    assert.deepEqual([frontend, args?.["context:made"], args?.["cmdline"]], ["dockerfile.v0", "input:made", "test"]);
    assert.deepEqual(Object.keys(inputs ?? {}), ["made"]);
    const made = inputs?.["made"]?.request;
    assert.deepEqual([made?.frontend, made?.args?.["target"], made?.args?.["build-arg:FLAVOUR"], made?.args?.["build-arg:API_TOKEN"], made?.root], ["dockerfile.v0", "wanted", "sour", "xxxxx", undefined]);
    assert.deepEqual([root?.request.frontend, root?.request.args?.["cmdline"]], [undefined, undefined]);

    const small = await recorded("mode=min");
    assert.deepEqual([small.inputs?.["made"]?.request.args?.["target"], small.inputs?.["made"]?.request.args?.["build-arg:FLAVOUR"]], ["wanted", undefined]);
  });
});

describe("a graph that no Dockerfile leads to", { skip: runSkip }, () => {
  test("lays the difference of two trees over a third", NEVER_PULLED, async () => {
    const program = { same: { "/same": "1" }, lower: { "/gone": "2", "/changed": "3" }, upper: { "/changed": "4!", "/new": "5" }, over: { "/gone": "6", "/same": "7", "/kept": "8" } };
    const { lines, text } = await tree({ diff: program });
    assert.deepEqual(lines.map((line) => line.split(" ").at(-1)), ["changed", "kept", "new", "same"]);
    assert.deepEqual(["changed", "kept", "new", "same"].map(text), ["4!", "8", "5", "7"], "what both have is no difference");
  });
});

describe("rules about sources that a frontend sends", { skip: runSkip }, () => {
  // As the protocol numbers them.
  const [DENY, CONVERT] = [1, 2];
  let web: HttpFixture;
  let asked: string[] = [];
  before(async () => {
    web = await serve(({ url = "" }, response) => {
      asked.push(url);
      response.end(`this is ${url}`);
    });
  });
  after(async () => {
    await web[Symbol.asyncDispose]();
  });
  const attempt = async (ask: string, rules: (origin: string) => readonly object[], options?: WorkshopBuild): Promise<{ readonly made: Tree | undefined; readonly says: string }> => {
    asked = [];
    try {
      return { made: await tree({ ruled: { url: `${web.origin}/a`, policies: [{ version: "1", rules: rules(web.origin) }], ask } }, options), says: "" };
    } catch (error) {
      if (error instanceof BuildError) return { made: undefined, says: error.message };
      throw error;
    }
  };
  const toB = (origin: string): readonly object[] => [{ action: CONVERT, selector: { identifier: `${origin}/a` }, updates: { identifier: `${origin}/b` } }];
  const not = (path: string) => (origin: string): readonly object[] => [{ action: DENY, selector: { identifier: `${origin}${path}` } }];

  test("hold for the graph that they come with, whether the frontend looks into it or only returns it", NEVER_PULLED, async () => {
    for (const ask of ["for its graph", "for its graph, and looks"]) {
      const { made } = await attempt(ask, toB);
      assert.deepEqual([made?.text("file"), [...new Set(asked)]], ["this is /b", ["/b"]], ask);
      const { says } = await attempt(ask, not("/*"));
      assert.match(says, /error evaluating the source policy: source "http:\/\/[^"]*\/a" denied by policy/, ask);
      assert.deepEqual(asked, []);
    }
  });

  test("hold for what is looked up", NEVER_PULLED, async () => {
    assert.match((await attempt("what it is", not("/a"))).says, /could not resolve image due to policy: source "http:[^"]*\/a" denied by policy/);
    assert.deepEqual(asked, []);
    assert.match((await attempt("what it is", toB)).made?.text("seen") ?? "", /\/b sha256:[0-9a-f]{64}$/);
    assert.deepEqual(asked, ["/b"]);
  });

  test("are asked beside those of the build", NEVER_PULLED, async () => {
    const own = async (rules: readonly object[]): Promise<WorkshopBuild> => ({ env: { ...workshop.env, EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: `${await workshop.directory({ "p.json": JSON.stringify({ rules }) })}/p.json` } });
    const { says } = await attempt("for its graph", not("/b"), await own(toB(web.origin)));
    assert.match(says, /source "http:[^"]*\/b" denied by policy/);
    assert.match((await attempt("for its graph", toB, await own(not("/b")(web.origin)))).says, /source "http:[^"]*\/b" denied by policy/);
    assert.deepEqual(asked, []);
  });

  test("that cannot be followed stop the build", NEVER_PULLED, async () => {
    assert.match((await attempt("another frontend", toB)).says, /source policies are not supported with a request to the frontend dockerfile\.v0/);
    assert.match((await attempt("for its graph", () => [{ action: DENY }])).says, /failed to read a source policy of the frontend: rules\[0\]: invalid nil selector in policy/);
    assert.match((await attempt("for its graph", () => [{ action: 7, selector: { identifier: "x" } }])).says, /rules\[0\]\.action: 7 is none of ALLOW, DENY, CONVERT/);
    assert.match((await attempt("for its graph, after one without rules", toB)).says, /take different sources in place of "http:[^"]*\/a" in one build, which is not supported/);
  });
});

describe("a frontend that is an image, where it goes wrong", { skip: runSkip }, () => {
  const failure = async (program: object, options?: WorkshopBuild): Promise<BuildError> => {
    try {
      await tree(program, options);
    } catch (error) {
      if (error instanceof BuildError) return error;
      throw error;
    }
    throw new assert.AssertionError({ message: "the build did not fail" });
  };

  test("is told of an image that is not there", NEVER_PULLED, async () => {
    const error = await failure({ resolve: "127.0.0.1:1/no/such:1" });
    assert.match(error.message, /the frontend says: .*failed to resolve source metadata for 127\.0\.0\.1:1\/no\/such:1/);
  });

  test("fails with its own words, at the place that it names", NEVER_PULLED, async () => {
    const error = await failure({ fail: { message: "line two is wrong", line: 2 } });
    assert.deepEqual([error.message, error.code, error.excerpt?.startLine, error.excerpt?.filename], ["failed to solve: line two is wrong", "dockerfile", 2, "Dockerfile"]);
    const nowhere = await failure({ fail: { message: "no idea where" } });
    assert.deepEqual([nowhere.message, nowhere.excerpt?.startLine], ["failed to solve: no idea where", 1]);
  });

  test("that ends without a result, or badly, is told by what it printed", NEVER_PULLED, async () => {
    assert.match((await failure({ exit: 3 })).message, /frontend example\.com\/test\/frontend:1 ended with exit code 3: frontend for tests: exit/);
    assert.match((await failure({ silent: true })).message, /ended without a result: is it one that speaks BuildKit's gateway protocol\?/);
  });

  test("returns nothing that it did not get", NEVER_PULLED, async () => {
    assert.match((await failure({ write: { "/a": "one" }, invent: true })).message, /no such ref: invented/);
  });

  test("is not asked for what it does not say that it can", NEVER_PULLED, async () => {
    const contextsAlone = await makeFrontendImage(workshop, { "moby.buildkit.frontend.caps": "moby.buildkit.frontend.contexts" });
    const request = await workshop.request(`# syntax=${FRONTEND}\n{}`, { buildContexts: { [FRONTEND]: `oci-layout://${contextsAlone}` } });
    await assert.rejects(callBuild(request, { name: "targets", format: "text" }).result, /unsupported frontend capability moby\.buildkit\.frontend\.subrequests/);
    const plain = await workshop.request(`# syntax=${FRONTEND}\n{}`, { buildContexts: { [FRONTEND]: `oci-layout://${await makeFrontendImage(workshop)}` } });
    await assert.rejects(finished(plain), /unsupported frontend capability moby\.buildkit\.frontend\.contexts/);
  });

  test("goes with the build when that is stopped", NEVER_PULLED, async () => {
    const controller = new AbortController();
    const request = await workshop.request(`# syntax=${FRONTEND}\n${JSON.stringify({ hang: true })}`, withFrontend({ signal: controller.signal }));
    setTimeout(() => controller.abort(new Error("enough")), 1500);
    await assert.rejects(finished(request), /enough/);
  });

  test("BUILDKIT_SYNTAX asks for it too, and what it fails with is told as by buildx, which asks it itself", NEVER_PULLED, async () => {
    const program = JSON.stringify({ write: { "/a": "by argument" } });
    const built = await workshop.tree(`# first line\n${program}`, withFrontend({ buildArgs: { BUILDKIT_SYNTAX: FRONTEND } }));
    assert.equal(built.text("a"), "by argument");
    await assert.rejects(workshop.tree(`# first line\n${JSON.stringify({ fail: { message: "no" } })}`, withFrontend({ buildArgs: { BUILDKIT_SYNTAX: FRONTEND } })), { message: /^failed to solve: no$/ });
  });

  test("a frontend that is not there is told as such, with the line that asks for it", NEVER_PULLED, async () => {
    await assert.rejects(workshop.tree("# syntax=127.0.0.1:1/no/frontend:1\nFROM scratch\n"), (error) => error instanceof BuildError && /127\.0\.0\.1:1\/no\/frontend:1/.test(error.message) && error.excerpt?.startLine === 1);
  });
});

test("a frontend from a registry is named in the record without a platform, for which nobody asked", { ...NEVER_PULLED, skip: runSkip === false ? dockerRegistrySkip : runSkip }, async () => {
  await using registry = await startDockerRegistry();
  const name = `${registry.host}/frontend:1`;
  await workshop.build("FROM made\n", { buildContexts: { made: `oci-layout://${layout}` }, outputs: [`type=image,name=${name},push=true,compression=uncompressed`], provenance: "false" });
  const program = JSON.stringify({ write: { "/a": "one" } });
  const { outcome } = await workshop.build(`# syntax=${name}\n${program}`, { outputs: [`type=oci,dest=${workshop.path}/by-registry.tar,name=x:1`], provenance: "mode=max" });
  const record = (JSON.parse(outcome.metadata) as Record<string, { materials?: ReadonlyArray<{ uri: string }> }>)["buildx.build.provenance"];
  assert.deepEqual(record?.materials?.map(({ uri }) => uri), [`pkg:docker/${registry.host.replace(":", "%3A")}/frontend@1`]);
});

test("a frontend that is an image has the history that it wrote masked, with the lines of the Dockerfile that it read", { ...NEVER_PULLED, skip: runSkip }, async () => {
  const path = `${workshop.path}/masked`;
  const dockerfile = 'FROM base\nARG API_TOKEN="correct horse battery"\nRUN echo "$API_TOKEN" >/dev/null\nLABEL a=$API_TOKEN\n';
  const options = withFrontend({ outputs: [`type=oci,tar=false,dest=${path},name=x:4`], provenance: "false" });
  const built = await workshop.build(`# syntax=${FRONTEND}\n${JSON.stringify({ forward: { dockerfile } })}`, options);
  const told = built.events.flatMap((event) => (event.kind === "warning" && event.rule === "SecretInHistory" ? [event.message.replace(/:? masked in.*/, "")] : []));
  assert.deepEqual(told, ["Dockerfile:2", "Dockerfile:3", "Dockerfile:4"]);
  const blobs = readdirSync(`${path}/blobs/sha256`).map((name) => readFileSync(`${path}/blobs/sha256/${name}`));
  const { history = [] } = blobs.map((bytes) => (bytes[0] === 0x7b ? (JSON.parse(bytes.toString()) as { history?: ReadonlyArray<{ created_by: string }> }) : {})).find((document) => document.history !== undefined) ?? {};
  assert.deepEqual(history.slice(-3).map(({ created_by }) => created_by), ["ARG API_TOKEN=xxxxx", 'RUN |1 API_TOKEN=xxxxx /bin/sh -c echo "$API_TOKEN" >/dev/null # buildkit', "LABEL a=xxxxx"]);
});
