import { mkdir, rm, writeFile } from "node:fs/promises";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDockerRegistry, type DockerRegistry } from "../src/testing/docker-registry.ts";

export type Contestant = "stemma" | "buildah";

export interface BenchPlace {
  readonly path: string;
  /** The beginnings of the command lines. */
  readonly stemma: readonly [string, ...string[]];
  readonly buildah: readonly [string, ...string[]];
  output(argv: readonly [string, ...string[]]): Promise<string>;
}

export interface PreparedCase extends AsyncDisposable {
  /** What must not be measured: a fresh registry, a cleared cache. */
  before(contestant: Contestant): Promise<void>;
  run(contestant: Contestant): Promise<void>;
}

export interface BenchCase {
  readonly name: string;
  /** What is measured, for the table. */
  readonly claim: string;
  prepare(place: BenchPlace): Promise<PreparedCase>;
}

const SMALL_FILES = 10_000;
const SMALL_FILE_BYTES = 4096;
const BIG_FILE_MIB = 500;
const RUN_STEPS = 10;
const NOOP_STEPS = 20;

export const CASES: readonly BenchCase[] = [
  { name: "start-up", claim: "print the version", prepare: prepareStartup },
  { name: "no-op", claim: `rebuild ${NOOP_STEPS} steps without change`, prepare: (place) => prepareBuild(place, { name: "noop", dockerfile: noopDockerfile, fill: fillNoop, push: false, cached: true }) },
  { name: "small-files", claim: `COPY ${SMALL_FILES.toLocaleString("en")} files of 4 KiB, push`, prepare: (place) => prepareBuild(place, { name: "small", dockerfile: () => "FROM scratch\nCOPY files /files\n", fill: fillSmall, push: true, cached: false }) },
  { name: "big-file", claim: `COPY one file of ${BIG_FILE_MIB} MB, push`, prepare: (place) => prepareBuild(place, { name: "big", dockerfile: () => "FROM scratch\nCOPY big /big\n", fill: fillBig, push: true, cached: false }) },
  { name: "run-steps", claim: `${RUN_STEPS} RUN steps that do nothing`, prepare: (place) => prepareBuild(place, { name: "run", dockerfile: runDockerfile, fill: async () => undefined, push: false, cached: false }) },
];

async function prepareStartup(place: BenchPlace): Promise<PreparedCase> {
  return {
    before: async () => undefined,
    run: async (contestant) => void (await place.output(contestant === "stemma" ? [...place.stemma, "--version"] : ["buildah", "--version"])),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

interface BuildCase {
  readonly name: string;
  readonly dockerfile: (base: string) => string;
  readonly fill: (context: string) => Promise<void>;
  readonly push: boolean;
  /** False: everything is built anew in each round. */
  readonly cached: boolean;
}

async function prepareBuild(place: BenchPlace, build: BuildCase): Promise<PreparedCase> {
  const context = join(place.path, build.name);
  await mkdir(context, { recursive: true });
  const bases = await startDockerRegistry();
  const base = `${bases.host}/bench/busybox:1`;
  await pushBase(place, base);
  await writeFile(join(context, "Dockerfile"), build.dockerfile(base));
  await build.fill(context);
  let target: DockerRegistry | undefined;
  const run = async (contestant: Contestant): Promise<void> => {
    const image = `${target?.host ?? bases.host}/bench/${build.name}:1`;
    if (contestant === "stemma") await runStemma(place, { build, context, image });
    else await runBuildah(place, { build, context, image });
  };
  // What is pulled once is not what is measured.
  await run("stemma");
  await run("buildah");
  return {
    async before() {
      await target?.[Symbol.asyncDispose]();
      // An empty registry each time: a blob that is there already would not be sent.
      target = build.push ? await startDockerRegistry() : undefined;
    },
    run,
    async [Symbol.asyncDispose]() {
      await target?.[Symbol.asyncDispose]();
      await bases[Symbol.asyncDispose]();
      await rm(context, { recursive: true, force: true });
    },
  };
}

interface Task {
  readonly build: BuildCase;
  readonly context: string;
  readonly image: string;
}

async function runStemma(place: BenchPlace, { build, context, image }: Task): Promise<void> {
  const output = build.push ? ["--push"] : ["-o", "type=cacheonly"];
  await place.output([...place.stemma, "build", "--progress=none", ...(build.cached ? [] : ["--no-cache"]), ...output, "-t", image, context]);
}

async function runBuildah(place: BenchPlace, { build, context, image }: Task): Promise<void> {
  await place.output([...place.buildah, "build", "--quiet", "--tls-verify=false", "--layers", "--isolation=oci", ...(build.cached ? [] : ["--no-cache"]), "-t", image, context]);
  if (build.push) await place.output([...place.buildah, "push", "--quiet", "--tls-verify=false", image]);
}

/** A base of Debian's static busybox, made by ourselves. */
async function pushBase(place: BenchPlace, base: string): Promise<void> {
  const directory = join(place.path, "base");
  mkdirSync(directory, { recursive: true });
  copyFileSync("/bin/busybox", join(directory, "busybox"));
  writeFileSync(join(directory, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\n`);
  await place.output([...place.stemma, "build", "--progress=none", "--push", "-t", base, directory]);
}

function noopDockerfile(base: string): string {
  const steps = Array.from({ length: NOOP_STEPS / 2 }, (_, i) => `COPY f${i} /f${i}\nRUN busybox true ${i}\n`);
  return `FROM ${base}\n${steps.join("")}`;
}

async function fillNoop(context: string): Promise<void> {
  for (let i = 0; i < NOOP_STEPS / 2; i++) await writeFile(join(context, `f${i}`), `content ${i}\n`);
}

function runDockerfile(base: string): string {
  return `FROM ${base}\n${Array.from({ length: RUN_STEPS }, (_, i) => `RUN busybox true ${i}\n`).join("")}`;
}

async function fillSmall(context: string): Promise<void> {
  for (let i = 0; i < SMALL_FILES; i++) {
    const folder = join(context, "files", String(i % 100));
    if (i < 100) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, String(i)), fillerOf(i, SMALL_FILE_BYTES));
  }
}

async function fillBig(context: string): Promise<void> {
  const MiB = 1024 * 1024;
  const path = join(context, "big");
  for (let i = 0; i < BIG_FILE_MIB; i++) await writeFile(path, fillerOf(i, MiB), { flag: i === 0 ? "w" : "a" });
}

/** Half noise, half text, so that compression has its usual work; the same in each run. */
function fillerOf(seed: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes, `file ${seed} of the benchmark, `);
  let state = (seed + 1) * 2654435761;
  for (let i = 0; i < sizeBytes; i += 2) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
