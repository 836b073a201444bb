import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { COMPILE_CACHE } from "../../src/testing/command-path.ts";
import { DOCKER_REGISTRY_USER, dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { runProcess, type ProcessResult } from "../../src/host/process.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

const PROGRAM = join(import.meta.dirname, "library/quiet-process.ts");
const skip = runSkip === false ? dockerRegistrySkip : runSkip;

let workshop: Workshop;
let registry: DockerRegistry;
let ended: ProcessResult;
let report: Report;

interface Report {
  readonly seen: readonly string[];
  readonly before: string;
  readonly after: string;
  readonly result: string;
  readonly events: number;
}

/** What would go wrong if the library believed it: nothing of this is in the request's own environment. */
const POISON = {
  HOME: "/nowhere/home", XDG_CONFIG_HOME: "/nowhere/config", XDG_DATA_HOME: "/nowhere/data", XDG_RUNTIME_DIR: "/nowhere/run", DOCKER_CONFIG: "/nowhere/docker",
  TMPDIR: "/nowhere/tmp", PATH: "/nowhere/bin", HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1", ALL_PROXY: "http://127.0.0.1:1", SOURCE_DATE_EPOCH: "nonsense",
  DOCKER_AUTH_CONFIG: "nonsense", SSL_CERT_FILE: "/nowhere/certificate", STEMMA_ROOT: "/nowhere/root", BUILDX_METADATA_PROVENANCE: "nonsense", GIT_DIR: "/nowhere/git",
  // For Node itself.
  ...COMPILE_CACHE,
};

before(async () => {
  if (skip !== false) return;
  workshop = await openWorkshop();
  registry = await startDockerRegistry({ auth: "basic" });
  const file = join(workshop.path, "report.json");
  const { context, root, env, buildContexts } = await workshop.request("", { files: { "a.txt": "a" } });
  const input = JSON.stringify({
    context, root, env, buildContexts,
    // More layers than one mount can name directly: what is made beside the state has to find a place of its own.
    dockerfile: `FROM base\n${Array.from({ length: 70 }, (_, i) => `COPY a.txt /${i}\n`).join("")}RUN --mount=type=secret,id=s --mount=type=cache,target=/c cat /run/secrets/s > /c/s && echo done\n`,
    tags: [`${registry.host}/quiet:1`],
    user: DOCKER_REGISTRY_USER,
  });
  ended = await runProcess({ argv: [process.execPath, PROGRAM, file], env: POISON, cwd: workshop.path, input }, AbortSignal.timeout(60_000));
  report = JSON.parse(await readFile(file, "utf8").catch(() => assert.fail(ended.stderr.toString()))) as Report;
});

after(async () => {
  if (skip !== false) return;
  await registry[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

test("a build, with a RUN, a secret, and a push with credentials, succeeds in a process whose environment is nonsense", { skip }, () => {
  assert.equal(report.result, "done");
  assert.ok(report.events > 5);
  assert.equal(ended.exitCode, 0);
});

test("it reads nothing of the process's environment", { skip }, () => {
  // Node itself looks at some while it loads modules and starts processes, and the protobuf library at one while it is loaded.
  const allowed = / (?:NODE_V8_COVERAGE|WATCH_REPORT_DEPENDENCIES|FORCE_COLOR|NO_COLOR|NODE_DISABLE_COLORS) .*\bnode:|^reads BUF_BIGINT_DISABLE .*\/@bufbuild\//;
  assert.deepEqual(report.seen.filter((line) => /^(?:reads|looks for|lists|sets|deletes) /.test(line) && !allowed.test(line)), []);
});

test("it neither exits nor changes directory, mask or user, and asks for no directory", { skip }, () => {
  assert.deepEqual(report.seen.filter((line) => /^process\.(?:exit|abort|chdir|cwd|umask|setuid|setgid)\(/.test(line)), []);
});

test("it installs no handler of signals or of anything else in the process", { skip }, () => {
  assert.deepEqual(report.seen.filter((line) => /^process\.(?:on|once|addListener|prependListener)\(/.test(line)), []);
  assert.equal(report.after, report.before);
});

test("it prints nothing", { skip }, () => {
  assert.deepEqual(report.seen.filter((line) => /^(?:stdout|stderr|console)\./.test(line)), []);
  assert.deepEqual([ended.stdout.toString(), ended.stderr.toString()], ["", ""]);
});
