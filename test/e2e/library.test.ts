import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build, BuildError, type BuildEvent, type BuildRequest } from "../../src/doors/build.ts";
import { openRegistryClient, loadRegistryConfig, anonymousCredentials } from "../../src/doors/registry.ts";
import { openImage, traceImage } from "../../src/doors/trace.ts";
import { startDockerRegistry, dockerRegistrySkip, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace } from "./command.ts";
import { finished, openWorkshop, outputOf, runSkip, type Workshop } from "./workshop.ts";

let workshop: Workshop;
let registry: DockerRegistry | undefined;

before(async () => {
  workshop = await openWorkshop();
  registry = dockerRegistrySkip === false ? await startDockerRegistry() : undefined;
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

const signal = AbortSignal.timeout(600_000);
const hello = { files: { "hello.txt": "hello\n" } };
const COPY_ONLY = "FROM scratch\nCOPY hello.txt /\n";

/** Says each event in a word. The compiler refuses it when a kind is added and not handled. */
function word(event: BuildEvent): string {
  switch (event.kind) {
    case "step-planned":
      return `planned ${event.name}`;
    case "step-started":
      return `start ${event.name}`;
    case "step-cached":
      return `cached ${event.name}`;
    case "step-explained":
      return `explained ${event.reason}`;
    case "step-output":
      return `${event.stream} ${Buffer.from(event.bytes).toString()}`;
    case "step-progress":
      return `progress ${event.id}`;
    case "step-finished":
      return `end ${event.step}`;
    case "step-failed":
      return `failed ${event.message}`;
    case "warning":
      return `warning ${event.rule}`;
    case "notice":
      return `notice ${event.message}`;
  }
}

test("a plan goes in, and events of known kinds and an outcome come out", async () => {
  const run = build(await workshop.request(COPY_ONLY, { ...hello, outputs: [`type=oci,dest=${join(workshop.path, "a.tar")},name=a:1`] }));
  const words: string[] = [];
  for await (const event of run.events) words.push(word(event));
  const outcome = await run.result;
  assert.ok(words.includes("start [1/1] COPY hello.txt /"), words.join("\n"));
  assert.match(outcome.imageId ?? "", /^sha256:[0-9a-f]{64}$/);
  assert.match(outcome.names.join(), /^(?:docker\.io\/library\/)?a:1$/);
  assert.equal(outcome.platforms.length, 1);
});

test("every step that starts ends", async () => {
  const { events } = await workshop.build("FROM base\nRUN echo one\nRUN echo two >&2\n", hello).catch((error: unknown) => {
    if (runSkip !== false) return { events: [] };
    throw error;
  });
  const started = events.flatMap((event) => (event.kind === "step-started" ? [event.step] : []));
  const ended = events.flatMap((event) => (event.kind === "step-finished" ? [event.step] : []));
  assert.deepEqual(started.toSorted(), ended.toSorted());
});

test("the result settles when nobody reads the events", async () => {
  const { names } = await build(await workshop.request(COPY_ONLY, { ...hello, tags: ["unread:1"] })).result;
  assert.match(names.join(), /^(?:docker\.io\/library\/)?unread:1$/);
});

test("a step's output that nobody reads does not hold it up", { skip: runSkip }, async () => {
  const run = build(await workshop.request("FROM base\nRUN head -c 30000000 /dev/zero | tr '\\0' '\\n'\n", hello));
  await run.result;
  const events = await Array.fromAsync(run.events);
  assert.ok(outputOf(events).length > 0);
});

test("a reader that leaves early does not hold the build up, and the next one reads on", async () => {
  const run = build(await workshop.request(COPY_ONLY, { ...hello, noCache: true }));
  let first: BuildEvent | undefined;
  for await (const event of run.events) {
    first = event;
    break;
  }
  await run.result;
  const rest = await Array.fromAsync(run.events);
  assert.ok(first !== undefined && rest.length > 0 && !rest.includes(first));
});

test("events end for two readers at once, each event being one reader's", async () => {
  const run = build(await workshop.request(COPY_ONLY, { ...hello, noCache: true }));
  const [one, other] = await Promise.all([Array.fromAsync(run.events), Array.fromAsync(run.events), run.result]);
  const starts = [...one, ...other].filter(({ kind }) => kind === "step-started");
  assert.equal(new Set(starts).size, starts.length);
  assert.ok(starts.length > 0);
});

test("who only reads the events of a build that fails is told by their end, not by an unhandled rejection", async () => {
  const run = build(await workshop.request("FROM scratch\nCOPY nothing-here /\n", hello));
  assert.ok((await Array.fromAsync(run.events)).some(({ kind }) => kind === "step-failed"));
  await new Promise((resolve) => setImmediate(resolve));
});

interface Failure {
  readonly title: string;
  readonly dockerfile?: string;
  readonly request?: Partial<BuildRequest>;
  readonly code: string;
  readonly retryable?: boolean;
  readonly exitCode?: number;
  readonly skip?: string | false;
}

const FAILURES: readonly Failure[] = [
  { title: "a Dockerfile that does not parse", dockerfile: "FROM scratch\nCOPPY a b\n", code: "dockerfile" },
  { title: "a file that COPY names and is not there", dockerfile: "FROM scratch\nCOPY nothing-here /\n", code: "missing-input" },
  { title: "a RUN that fails", dockerfile: "FROM base\nRUN exit 3\n", code: "step-failed", exitCode: 3, skip: runSkip },
  { title: "a secret that nobody gave", dockerfile: "FROM base\nRUN --mount=type=secret,id=s,required=true cat /run/secrets/s\n", code: "missing-input", skip: runSkip },
  { title: "a stage that is not there", request: { target: "nothing" }, code: "dockerfile" },
  { title: "a context that is not there", request: { context: "/nothing/here" }, code: "missing-input" },
  { title: "a path that is not absolute", request: { context: "here" }, code: "usage" },
  { title: "an output of no known type", request: { outputs: ["type=nothing"] }, code: "usage" },
  { title: "a platform of no known form", request: { platforms: ["a/b/c/d"] }, code: "invalid-platform" },
  { title: "a tag of no known form", request: { tags: ["UPPER CASE"] }, code: "usage" },
  { title: "a secret's file that is not there", request: { secretFlags: ["id=s,src=/nothing/here"] }, code: "unreadable" },
  { title: "an output to nowhere", request: { outputs: ["-"] }, code: "usage" },
  { title: "an output into what is no directory", request: { outputs: ["type=oci,dest=/dev/null/a.tar"] }, code: "destination" },
];

for (const { title, dockerfile = COPY_ONLY, request = {}, code, retryable = false, exitCode, skip = false } of FAILURES) {
  test(`${title} is told by the code ${JSON.stringify(code)}`, { skip }, async () => {
    const error = await rejection({ ...(await workshop.request(dockerfile, hello)), ...request });
    assert.deepEqual([error.code, error.retryable, error.exitCode], [code, retryable, exitCode]);
  });
}

async function rejection(request: BuildRequest): Promise<BuildError> {
  const error: unknown = await build(request).result.then(() => "it succeeded", (reason: unknown) => reason);
  assert.ok(error instanceof BuildError, `a BuildError was expected: ${String(error)}`);
  return error;
}

test("a registry that cannot be reached, or is busy, is worth another try; one that has no such image is not", async () => {
  const server = createServer((_request, response) => void response.writeHead(503).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const busy = await rejection(await workshop.request(`FROM 127.0.0.1:${port}/a:1\n`));
  server.close();
  assert.deepEqual([busy.code, busy.retryable], ["unavailable", true]);
  const gone = await rejection(await workshop.request(`FROM 127.0.0.1:${port}/a:1\n`));
  assert.deepEqual([gone.code, gone.retryable], ["unavailable", true]);
});

test("an image that the registry does not have is told by the code \"not-found\"", { skip: dockerRegistrySkip }, async () => {
  const error = await rejection(await workshop.request(`FROM ${registry?.host}/nothing:1\n`));
  assert.deepEqual([error.code, error.retryable], ["not-found", false]);
});

test("a root that cannot be written is told by the system's code", async () => {
  const file = join(workshop.path, "a-file");
  await writeFile(file, "");
  const error = await rejection({ ...(await workshop.request(COPY_ONLY, hello)), root: join(file, "state") });
  assert.deepEqual([error.code, error.retryable], ["ENOTDIR", false]);
});

test("a failure names the lines of the Dockerfile, and what a person should see", { skip: runSkip }, async () => {
  const error = await rejection(await workshop.request("FROM base\n\nRUN echo so it goes && false\n"));
  assert.deepEqual([error.excerpt?.filename, error.excerpt?.startLine], ["Dockerfile", 3]);
  assert.match(error.report, /> \[\d\/2\] RUN echo so it goes && false:\n\d\.\d{3} so it goes\n[^]*3 \| >>> RUN/);
});

test("secrets are functions that are asked when a step needs them, and only then", { skip: runSkip }, async () => {
  const asked: string[] = [];
  const secret = (id: string): (() => Promise<Uint8Array>) => async () => {
    asked.push(id);
    return Buffer.from(`the value of ${id}`);
  };
  const secrets = { used: secret("used"), unused: secret("unused") };
  const { events, outcome } = await workshop.build("FROM base\nRUN --mount=type=secret,id=used wc -c < /run/secrets/used\n", { secrets, provenance: "mode=max" });
  assert.deepEqual(asked, ["used"]);
  assert.equal(outputOf(events).trim(), "17");
  assert.ok(!JSON.stringify([events, outcome]).includes("the value of"));
});

test("what a secret's function says no with is the cause of the failure", { skip: runSkip }, async () => {
  const refusal = new Error("the vault is closed");
  const secrets = { s: async () => await Promise.reject(refusal) };
  const error: unknown = await build(await workshop.request("FROM base\nRUN --mount=type=secret,id=s cat /run/secrets/s\n", { secrets })).result.catch((reason: unknown) => reason);
  assert.ok(error instanceof BuildError);
  const causes: unknown[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  assert.ok(causes.includes(refusal), String(error));
});

test("builds over one root at the same time give what they give one after the other", { skip: runSkip }, async () => {
  const dockerfile = "FROM base\nARG N\nRUN echo $N > /n && sleep 0.2\nCOPY hello.txt /\n";
  const context = await workshop.directory(hello.files);
  const requestFor = async (n: string, root: string): Promise<BuildRequest> => ({
    ...(await workshop.request(dockerfile, { context, buildArgs: { N: n, SOURCE_DATE_EPOCH: "1700000000" } })),
    outputs: [`type=oci,dest=${join(workshop.path, `n-${n}-${root}.tar`)},rewrite-timestamp=true,name=n:${n}`],
    provenance: "false",
    root: join(workshop.path, root),
  });
  const names = ["1", "2", "1", "3"];
  const together = await Promise.all(names.map(async (n) => await finished(await requestFor(n, "together"))));
  const apart: Array<string | undefined> = [];
  for (const n of names) apart.push((await finished(await requestFor(n, `apart-${apart.length}`))).outcome.imageId);
  assert.deepEqual(together.map(({ outcome }) => outcome.imageId), apart);
});

test("an image's statements can be opened, and trace answers what the command answers", { skip: dockerRegistrySkip }, async () => {
  const name = `${registry?.host}/library/traced:1`;
  await workshop.build(COPY_ONLY, { ...hello, tags: [name], push: true, provenance: "mode=max" });
  await using client = openRegistryClient({ credentials: anonymousCredentials, config: await loadRegistryConfig(workshop.env), env: workshop.env });
  await using image = await openImage(name, { client, cwd: "/" }, signal);
  const [platform] = (await image.record.platforms(signal)).values();
  const [statement] = (await platform?.statements(signal)) ?? [];
  assert.ok(platform !== undefined && statement !== undefined);
  assert.equal(statement.predicateType, "https://slsa.dev/provenance/v1");
  assert.equal((await platform.statement(statement, signal))["predicateType"], statement.predicateType);

  await using place = await openPlace();
  const answer = await traceImage(image, { kind: "path", path: "/hello.txt" }, undefined, signal);
  const { stdout } = await place.stemmaHere(["trace", name, "--path", "/hello.txt", "--format", "json"]);
  assert.deepEqual(JSON.parse(JSON.stringify(answer)), JSON.parse(stdout));
  assert.equal(answer.layers[0]?.origin.kind, "step");
});

test("a context is read without a Dockerfile's text where one lies in it", async () => {
  const context = await workshop.directory({ "sub/Dockerfile": COPY_ONLY, "sub/hello.txt": "hello\n" });
  await mkdir(join(context, "sub/empty"));
  const { names } = await build({ context: join(context, "sub"), root: workshop.root, env: workshop.env, tags: ["file:1"] }).result;
  assert.match(names.join(), /^(?:docker\.io\/library\/)?file:1$/);
});
