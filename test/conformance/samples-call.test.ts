import assert from "node:assert/strict";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import type { CommandRun } from "../e2e/command.ts";
import { openSampleWorkplace, samplesSkip as skip, type SampleWorkplace } from "./sample-workplace.ts";

const samples = conformanceFolder("samples");

let work: SampleWorkplace;
let context: string;

before(async () => {
  if (skip !== false) return;
  work = await openSampleWorkplace();
  context = join(work.place.path, "ctx");
  await cp(join(samples.path, "src"), context, { recursive: true });
  // Any image will do: it is looked up, and nothing is run in it.
  await work.place.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", `oci:${join(samples.path, "bases/busybox")}`, `docker://${work.host}/library/debian:bookworm-slim`]);
});

after(async () => {
  if (skip === false) await work[Symbol.asyncDispose]();
});

async function call(sample: string, env: Readonly<Record<string, string>> = {}): Promise<CommandRun> {
  const [command = ""] = (await readFile(join(samples.path, sample, "cmd"), "utf8")).split("\n");
  return await work.place.stemma(command.split(/ +/).slice(1), { cwd: context, env });
}

const expected = async (sample: string): Promise<string> => await readFile(join(samples.path, sample, "stdout"), "utf8");

for (const sample of ["60-call-check", "62-call-outline", "63-call-outline-json", "64-call-targets-json"]) {
  test(`${sample}: standard output and status are BuildKit's, byte for byte`, { skip }, async () => {
    const { stdout, stderr, exitCode } = await call(sample);
    assert.equal(stdout, await expected(sample), stderr);
    assert.equal(exitCode, Number(await readFile(join(samples.path, sample, "rc"), "utf8")));
  });
}

test("61-call-check-json: findings are BuildKit's, byte for byte, and the source differs in the session alone", { skip }, async () => {
  const [{ stdout, exitCode }, wanted] = [await call("61-call-check-json"), await expected("61-call-check-json")];
  assert.equal(exitCode, 1);
  const findings = (text: string): string => text.slice(0, text.indexOf('"definition"'));
  assert.equal(findings(stdout), findings(wanted));
  assert.deepEqual(withoutSession(stdout), withoutSession(wanted));
});

interface LintJson {
  readonly sources: ReadonlyArray<{ readonly definition: { readonly def: readonly string[]; readonly metadata: Readonly<Record<string, object>>; readonly Source: { readonly locations: object } }; readonly language: string }>;
}

/** The name of the session is a part of the op, and so of its digest. */
function withoutSession(text: string): unknown {
  return (JSON.parse(text) as LintJson).sources.map(({ definition: { def, metadata, Source }, language }) => ({
    ops: def.length, metadata: Object.values(metadata).map((entry) => JSON.stringify(entry)).toSorted(), locations: Object.values(Source.locations), language,
  }));
}

test("--check is the same as --call=check, and finds nothing in a good file", { skip }, async () => {
  await writeFile(join(context, "Dockerfile.good"), "FROM busybox\nRUN true\n");
  const { stdout, exitCode } = await work.place.stemma(["build", "--check", "-f", "Dockerfile.good", "."], { cwd: context });
  assert.deepEqual([stdout, exitCode], ["Check complete, no warnings found.\n", 0]);
  const again = await work.place.stemma(["build", "--check", "-f", "Dockerfile.lint", "."], { cwd: context });
  assert.deepEqual([again.stdout, again.exitCode], [await expected("60-call-check"), 1]);
});

test("a check names the file as the caller does, from wherever that is", { skip }, async () => {
  await mkdir(join(context, "sub"), { recursive: true });
  await writeFile(join(context, "sub", "Dockerfile"), "FROM busybox as a\nRUN true\n");
  for (const [args, name] of [[["sub"], "sub/Dockerfile"], [["-f", "sub/../sub/Dockerfile", "."], "sub/../sub/Dockerfile"]] as const) {
    const { stdout } = await work.place.stemma(["build", "--check", ...args], { cwd: context });
    assert.match(stdout, new RegExp(`do not match\n${name.replaceAll(".", "\\.")}:1\n`));
  }
});

test("a file that cannot be built fails a check with its lines", { skip }, async () => {
  await writeFile(join(context, "Dockerfile.bad"), "FROM busybox\nRUNN true\n");
  const { stdout, stderr, exitCode } = await work.place.stemma(["build", "--check", "-f", "Dockerfile.bad", "."], { cwd: context });
  assert.deepEqual([stdout, exitCode], ["", 65]);
  assert.match(stderr, /ERROR: dockerfile parse error on line 2: unknown instruction: RUNN \(did you mean RUN\?\)\nDockerfile\.bad:2\n-{20}\n/);
});

test("in GitHub's workflows, what is found becomes annotations", { skip }, async () => {
  const { stderr } = await call("60-call-check", { GITHUB_ACTIONS: "true" });
  assert.ok(stderr.includes("::warning file=Dockerfile.lint,line=3,endLine=3,title=SecretsUsedInArgOrEnv::Do not use ARG or ENV instructions for sensitive data (ARG \"TOKEN\")\n"), stderr);
});

test("a build tells at its end what it found, unless it is to be quiet", { skip }, async () => {
  await writeFile(join(context, "Dockerfile.warn"), "FROM busybox\nENV k v\n");
  const args = ["build", "-o", "type=cacheonly", "-f", "Dockerfile.warn"];
  const loud = await work.place.stemma([...args, "."], { cwd: context });
  assert.equal(loud.exitCode, 0, loud.stderr);
  assert.ok(loud.stderr.endsWith("\n 1 warning found (use docker --debug to expand):\n - LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format (line 2)\n"), loud.stderr);
  const quiet = await work.place.stemma([...args, "-q", "."], { cwd: context, env: { GITHUB_ACTIONS: "true" } });
  assert.equal(quiet.stderr, "::warning file=Dockerfile.warn,line=2,endLine=2,title=LegacyKeyValueFormat::\"ENV key=value\" should be used instead of legacy \"ENV key value\" format\n");
});
