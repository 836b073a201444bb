import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BASE_LAYERS, largeBase, runDockerfile, smallBase } from "./bases.ts";
import { prepareBuild } from "./build-case.ts";
import { fillBig, fillFiles } from "./fillers.ts";
import { prepareHashing } from "./hashing-case.ts";
import type { BenchPlace } from "./place.ts";
import type { PreparedCase } from "./prepared-case.ts";
import { prepareRunStart } from "./run-start-case.ts";

export interface BenchCase {
  readonly name: string;
  /** What is measured, for the table. */
  readonly claim: string;
  /** Fewer rounds than the others have, of what takes long. */
  readonly roundsMax?: number;
  readonly prepare: (place: BenchPlace) => Promise<PreparedCase>;
}

const MANY_FILES = 10_000;
const BIG_FILE_MIB = 500;
const HUGE_FILE_MIB = 2000;
const RUN_STEPS = 10;
const NOOP_STEPS = 30;

export const CASES: readonly BenchCase[] = [
  { name: "start-up", claim: "print the version", prepare: prepareStartup },
  {
    name: "no-op", claim: `rebuild ${NOOP_STEPS} steps over a context of ${MANY_FILES.toLocaleString("en")} files without change, provenance \`mode=max\`, push; buildah: neither record nor push`,
    prepare: (place) => prepareBuild(place, { name: "noop", dockerfile: noopDockerfile, fill: fillNoop, base: smallBase, output: "push", state: "cached", provenance: "mode=max" }),
  },
  {
    name: "small-files", claim: `first COPY of ${MANY_FILES.toLocaleString("en")} files of 10 KiB, push`,
    prepare: (place) => prepareBuild(place, { name: "small", dockerfile: () => "FROM scratch\nCOPY files /files\n", fill: (context) => fillFiles(join(context, "files"), MANY_FILES, 10 * 1024), output: "push", state: "fresh" }),
  },
  {
    name: "big-file", claim: `first COPY of one file of ${BIG_FILE_MIB} MB, push`,
    prepare: (place) => prepareBuild(place, { ...bigFile("big"), output: "push", state: "fresh", probed: true }),
  },
  {
    name: "big-file-zstd", claim: "the same, zstd",
    prepare: (place) => prepareBuild(place, { ...bigFile("big-zstd"), output: "push-zstd", state: "fresh", probed: true }),
  },
  { name: "hashing", claim: `first COPY of that file, kept, less the time of a second one; alone: sha256sum`, prepare: (place) => prepareHashing(place, BIG_FILE_MIB) },
  {
    name: "gzip", claim: `that file as a layer in an OCI layout, gzip; alone: \`gzip -5\``,
    prepare: (place) => prepareBuild(place, { ...bigFile("gzip"), output: "gzip", state: "fresh", probed: true, alone: "gzip -5" }),
  },
  {
    name: "zstd", claim: `the same, zstd; alone: \`zstd -3 --single-thread\``,
    prepare: (place) => prepareBuild(place, { ...bigFile("zstd"), output: "zstd", state: "fresh", probed: true, alone: "zstd -3 --single-thread" }),
  },
  { name: "run-start", claim: `one RUN step more; alone: \`runc run\` of the same files`, prepare: (place) => prepareRunStart(place, RUN_STEPS) },
  {
    name: "run-steps", claim: `${RUN_STEPS} RUN steps that do nothing`,
    prepare: (place) => prepareBuild(place, { name: "run", dockerfile: (base) => runDockerfile(base, RUN_STEPS), fill: async () => undefined, base: smallBase, output: "keep", state: "anew" }),
  },
  {
    name: "pull", claim: `pull and unpack a base with ${BASE_LAYERS} layers of 2,000 files of 10 KiB, and one RUN step; buildah: pull alone`,
    prepare: (place) => prepareBuild(place, { name: "pull", dockerfile: (base) => runDockerfile(base, 1), fill: async () => undefined, base: largeBase, output: "keep", state: "fresh", probed: true, buildahPulls: true }),
  },
  {
    name: "many-files", claim: "first COPY of 50,000 files of 1 KiB, push", roundsMax: 3,
    prepare: (place) => prepareBuild(place, { name: "many", dockerfile: () => "FROM scratch\nCOPY files /files\n", fill: (context) => fillFiles(join(context, "files"), 50_000, 1024), output: "push", state: "fresh", probed: true, peers: [] }),
  },
  {
    name: "huge-file", claim: `first COPY of one file of ${HUGE_FILE_MIB / 1000} GB, push`, roundsMax: 1,
    prepare: (place) => prepareBuild(place, { ...bigFile("huge"), fill: (context) => fillBig(join(context, "big"), HUGE_FILE_MIB), output: "push", state: "fresh", probed: true, peers: [] }),
  },
];

function bigFile(name: string): { readonly name: string; readonly dockerfile: () => string; readonly fill: (context: string) => Promise<void> } {
  return { name, dockerfile: () => "FROM scratch\nCOPY big /big\n", fill: (context) => fillBig(join(context, "big"), BIG_FILE_MIB) };
}

async function prepareStartup(place: BenchPlace): Promise<PreparedCase> {
  const { buildah, buildkit } = place;
  return {
    before: async () => undefined,
    run: {
      stemma: async () => void (await place.output([...place.stemma, "--version"])),
      ...(buildah === undefined ? {} : { buildah: async () => void (await place.output([buildah[0], "--version"])) }),
      ...(buildkit === undefined ? {} : { buildkit: async () => void (await place.output([buildkit[0], "version"])) }),
    },
    measured: [],
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A COPY of all files, and pairs of a COPY and a RUN. */
function noopDockerfile(base: string): string {
  const pairs = Array.from({ length: NOOP_STEPS / 2 - 1 }, (_, i) => `COPY f${i} /f${i}\nRUN busybox true ${i}\n`);
  return `FROM ${base}\nCOPY files /files\nRUN busybox true\n${pairs.join("")}`;
}

async function fillNoop(context: string): Promise<void> {
  fillFiles(join(context, "files"), MANY_FILES, 1024);
  for (let i = 0; i < NOOP_STEPS / 2 - 1; i++) await writeFile(join(context, `f${i}`), `content ${i}\n`);
}
