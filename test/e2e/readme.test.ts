import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { runProcess } from "../../src/host/process.ts";
import { COMPILE_CACHE } from "../../src/testing/command-path.ts";
import { DOCKER_REGISTRY_USER, dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { codeBlocks, openShell, PROJECT, type Shell } from "./shell-document.ts";

const TEXT = readFileSync(join(PROJECT, "README.md"), "utf8");
/** What README's examples call the registry. */
const REGISTRY = "localhost:5000";
const LINES_MAX = 120;

let directory: string;
let registry: DockerRegistry | undefined;
let shell: Shell;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "stemma-readme-"));
  registry = dockerRegistrySkip === false ? await startDockerRegistry({ auth: "basic" }) : undefined;
  await cp(join(PROJECT, "examples"), join(directory, "examples"), { recursive: true });
  await cp(join(PROJECT, "package.json"), join(directory, "package.json"));
  for (const name of ["src", "node_modules"]) await symlink(join(PROJECT, name), join(directory, name));
  shell = await openShell({ directory });
});

after(async () => {
  await registry?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const [setUp = "", ...commands] = codeBlocks(TEXT, "sh");
const programs = codeBlocks(TEXT, "ts");
const atRegistry = (code: string): string => code.replaceAll(REGISTRY, registry?.host ?? REGISTRY);
const skipFor = (code: string): string | false => (code.includes(REGISTRY) ? dockerRegistrySkip : false);

test("the README opens with two commands that do all there is to set up, and is short", () => {
  assert.equal(setUp, "npm ci && npm run example\nnpm ci && npm test\n");
  assert.ok(TEXT.indexOf("```sh") < TEXT.indexOf("\n## "));
  assert.ok(TEXT.split("\n").length <= LINES_MAX + 1);
  assert.ok(commands.length >= 2 && programs.length >= 2);
});

test("the example that it begins with builds, attests and shows an image, without privilege's help", async () => {
  const argv = [process.execPath, "tools/example.ts"] as const;
  const { exitCode, stdout, stderr } = await runProcess({ argv, cwd: PROJECT, env: { PATH: process.env["PATH"], TMPDIR: directory, ...COMPILE_CACHE } }, AbortSignal.timeout(60_000));
  assert.equal(exitCode, 0, stderr.toString());
  assert.match(stdout.toString(), /attestation-manifest[^]*"frontend": "dockerfile\.v0"[^]*COPY hello\.txt/);
});

for (const [i, block] of commands.entries()) {
  test(`commands ${i + 1} do what they say`, { skip: skipFor(block) }, async () => {
    const output = await shell.run(`REGISTRY_PASSWORD=${DOCKER_REGISTRY_USER.password}\n${atRegistry(block)}`);
    assert.match(output, /lines +Dockerfile:3/);
  });
}

test("its TypeScript holds for the compiler", async () => {
  const compilerOptions = { strict: true, target: "esnext", module: "nodenext", lib: ["esnext"], types: ["node"], noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, exactOptionalPropertyTypes: true, customConditions: ["stemma-source"] };
  await Promise.all(programs.map((code, i) => writeFile(join(directory, `program-${i}.ts`), atRegistry(code))));
  await writeFile(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["program-*.ts"] }));
  const { exitCode, stdout } = await runProcess({ argv: [join(PROJECT, "node_modules/.bin/tsc"), "-p", "."], cwd: directory, env: { PATH: process.env["PATH"] } }, AbortSignal.timeout(60_000));
  assert.equal(exitCode, 0, stdout.toString());
});

const SAYS = [/^exporting to image$[^]*^sha256:[0-9a-f]{64}$/m, /predicateType: 'https:\/\/slsa\.dev\/provenance\/v1'[^]*kind: 'step'/];

for (const [i, code] of programs.entries()) {
  test(`program ${i + 1} runs`, { skip: skipFor(code) }, async () => {
    await writeFile(join(directory, `program-${i}.ts`), atRegistry(code));
    const output = await shell.run(`export REGISTRY_PASSWORD=${DOCKER_REGISTRY_USER.password}\nnode --conditions=stemma-source program-${i}.ts\n`);
    assert.match(output, SAYS[i] ?? /./);
  });
}

test("what it links to is there", () => {
  const links = [...TEXT.matchAll(/\]\(([^):#]+)\)/g)].map(([, path = ""]) => path);
  assert.ok(links.length > 5);
  assert.deepEqual(links.filter((path) => !existsSync(join(PROJECT, path))), []);
});
