import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, globSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import type { Diagnosis } from "../../src/doors/doctor.ts";
import { bundle } from "../../tools/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");
const MB = 1_000_000;
const PRODUCTION_SIZE_BYTES_MAX = 40 * MB;
const ENV = { ...process.env, npm_config_audit: "false", npm_config_fund: "false", npm_config_update_notifier: "false" };

const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
const doors = Object.entries(manifest.exports).flatMap(([path, target]) => (typeof target === "string" ? [] : [{ path: path.replace(/^\./, "stemma"), target }]));

const place = mkdtempSync(join(tmpdir(), "stemma-pack-"));
const project = join(place, "project");
const installed = join(project, "node_modules/stemma");

before(async () => {
  const tarball = await pack(join(place, "package"), place);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  // What npm has at hand is good enough, and lets the test run where there is no network.
  run(project, ["npm", "install", "--omit=dev", "--prefer-offline", tarball]);
});
after(() => rmSync(place, { recursive: true }));

test("weighs less than 40 MB with all that it depends on, and brings no Node", (t) => {
  const modules = join(project, "node_modules");
  const sizeBytes = sizeOf(modules);
  t.diagnostic(`${(sizeBytes / MB).toFixed(1)} MB installed, of which ${(sizeOf(installed) / MB).toFixed(1)} MB are ours`);
  assert.ok(sizeBytes < PRODUCTION_SIZE_BYTES_MAX, `${sizeBytes} bytes`);
  assert.deepEqual(globSync(["node", "node-*", "stemma-*", ".bin/node"], { cwd: modules }), []);
  const own = Object.keys(manifest.dependencies).map((name) => `@koromix/${name}`);
  const others = globSync("{@*/*,[!@.]*}", { cwd: modules }).filter((name) => name !== "stemma" && !(name in manifest.dependencies));
  assert.deepEqual(others.filter((name) => !own.some((prefix) => name.startsWith(prefix))), []);
});

test("holds no sources, no tests and nothing of this machine", () => {
  const files = globSync("**/*.*", { cwd: installed, exclude: ["node_modules/**"] });
  assert.deepEqual(files.filter((file) => /\.test\.|(?<!\.d)\.ts$|^(src|test|tools|bench)\//.test(file)), []);
  const texts = files.filter((file) => /\.(js|ts|json|txt)$/.test(file));
  assert.deepEqual(texts.filter((file) => readFileSync(join(installed, file), "utf8").includes(ROOT)), []);
});

test("has a command that tells its version and its commands", () => {
  const command = join(project, "node_modules/.bin/stemma");
  assert.equal(run(place, [command, "--version"]).stdout, `stemma ${manifest.version}\n`);
  assert.match(run(place, [command, "--help"]).stdout, /\n {2}build {2,}\S/);
});

test("has every command that its help lists", () => {
  const command = join(project, "node_modules/.bin/stemma");
  const names = [...run(place, [command, "--help"]).stdout.matchAll(/^ {2}([a-z]+(?: [a-z]+)*) {2,}/gm)].map(([, name = ""]) => name);
  assert.ok(names.length > 3);
  // To start the command for each takes longer than to load what each of them is.
  const code = `const { runCommandLine } = await import(${JSON.stringify(join(installed, "dist/cli/main.js"))});
    for (const name of ${JSON.stringify(names)}) if (await runCommandLine([...name.split(" "), "--help"], { stdout: (text) => void process.stdout.write(text) }) !== 0) throw new Error(name);`;
  const { stdout } = run(project, [process.execPath, "--input-type=module", "-e", code]);
  assert.deepEqual([...stdout.matchAll(/^Usage: stemma (.*)$/gm)].map(([, words = ""], i) => words.startsWith(names[i] ?? "-")), names.map(() => true), stdout);
});

test("has a door for each of its exports", () => {
  const names = doors.map(({ path, target }) => `${path} ${basename(target.default)} ${basename(target.types)}`);
  const code = `for (const path of ${JSON.stringify(doors.map(({ path }) => path))}) { const door = await import(path); if (Object.keys(door).length === 0) throw new Error(path + " exports nothing"); }`;
  assert.ok(names.length > 0);
  run(project, [process.execPath, "--input-type=module", "-e", code]);
  for (const { target } of doors) assert.ok(existsSync(join(installed, target.types)), target.types);
});

test("gives a strict TypeScript project its types", () => {
  mkdirSync(join(project, "node_modules/@types"), { recursive: true });
  // What every TypeScript project for Node has.
  for (const name of ["@types/node", "undici-types"]) symlinkSync(join(ROOT, "node_modules", name), join(project, "node_modules", name));
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({
    compilerOptions: { strict: true, module: "nodenext", target: "es2024", lib: ["es2024", "esnext.disposable"], types: ["node"], noEmit: true, exactOptionalPropertyTypes: true },
    include: ["consumer.ts"],
  }));
  writeFileSync(join(project, "consumer.ts"), [
    ...doors.map(({ path }, index) => `import * as door${index} from ${JSON.stringify(path)};`),
    `export const doors: readonly object[] = [${doors.map((_, index) => `door${index}`).join(", ")}];`,
    `import { build, BuildError, type BuildOutcome, type BuildRequest } from "stemma";`,
    `export async function buildIt(request: BuildRequest): Promise<BuildOutcome> {`,
    `  const run = build(request);`,
    `  for await (const event of run.events) console.log(event.kind satisfies string);`,
    `  return await run.result.catch((error: unknown) => { throw error instanceof BuildError ? new Error(error.code) : error; });`,
    `}`,
    `// @ts-expect-error: the types are types, not \`any\`.`,
    `export const wrong: number = build;`,
  ].join("\n"));
  run(project, [join(ROOT, "node_modules/.bin/tsc"), "-p", "."]);
});

test("holds mounts, and runs a command in a sandbox of its own", { skip: busybox === undefined && "no busybox" }, (t) => {
  const command = join(project, "node_modules/.bin/stemma");
  const root = ["--root", join(place, "state")];
  const { status, stdout } = spawnSync(command, ["doctor", "--format", "json", ...root], { encoding: "utf8", env: ENV });
  const { mountNamespace } = JSON.parse(stdout) as Diagnosis;
  // What this machine cannot do from the source, it need not do from the package.
  if (mountNamespace.kind === "unavailable") return t.skip(mountNamespace.reason);
  assert.equal(status, 0);
  const context = join(place, "context");
  mkdirSync(context);
  cpSync(busybox ?? "", join(context, "busybox"));
  writeFileSync(join(context, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "echo ran > /proof"]\n`);
  run(place, [command, "build", ...root, "--sandbox", "namespaces", "-o", "out", context]);
  assert.equal(readFileSync(join(place, "out", "proof"), "utf8"), "ran\n");
});

const oldNode = findOldNode();
test("tells an old Node in one line what it needs", { skip: oldNode === undefined && "no Node older than 24 on PATH" }, () => {
  const { status, stdout, stderr } = spawnSync(oldNode ?? "", [join(installed, "bin/stemma.js"), "build", "."], { encoding: "utf8" });
  assert.equal(status, 64);
  assert.equal(stdout, "");
  assert.match(stderr, /^stemma: needs Node 24 or newer, this is \d+\.\S+ \(.*\); .*\n$/);
});
/** As `npm pack` does after its prepack script, but away from the checkout, whose own dist/ somebody may be using. */
async function pack(stage: string, destination: string): Promise<string> {
  mkdirSync(stage);
  for (const name of ["package.json", "README.md", "LICENSE", ...manifest.files]) {
    if (name !== "dist" && existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  }
  // `npm test` and `npm run check` check the types first.
  await bundle(join(stage, "dist"), "checked");
  const { stdout } = run(stage, ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", destination]);
  return join(destination, stdout.trim());
}

function run(cwd: string, [program = "", ...args]: readonly string[]): { readonly stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8", env: ENV });
  if (error !== undefined) throw error;
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return { stdout };
}

function sizeOf(path: string): number {
  const stat = lstatSync(path);
  return stat.isDirectory() ? readdirSync(path).reduce((total, name) => total + sizeOf(join(path, name)), 0) : stat.size;
}

/** The machine's own Node, behind the one that npm puts first. */
function findOldNode(): string | undefined {
  const places = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"].map((folder) => join(folder, "node"));
  return [...new Set(places)].filter((path) => existsSync(path)).find((path) => {
    const { stdout } = spawnSync(path, ["-p", "process.versions.node"], { encoding: "utf8" });
    return Number(stdout.split(".")[0]) < 24;
  });
}
