/**
 * `npm run soak`: kills builds (kill -9) at random moments, and collections among them. After each kill the store has no damage; after
 * every few, what was killed is built to its end in the same root, with the digest that a fresh root gives.
 */
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkStore } from "../src/doors/store.ts";
import { runProcess, startProcess } from "../src/host/process.ts";
import { SeededRandom } from "../src/testing/seeded-random.ts";
import { COMMAND, COMPILE_CACHE } from "../src/testing/command-path.ts";
import { openWorkshop, runSkip, type Workshop } from "../test/e2e/workshop.ts";

const COMPARED_EVERY = 10;
/** Beyond the time that a build takes undisturbed, so that some kills come after its end. */
const LONGEST_FACTOR = 1.1;
/** Of each layer of a large base: beyond what is unpacked on the event loop. */
const LARGE_BYTES = 6 * 1024 * 1024;
/** Beyond what one thread compresses. */
const BIG_BYTES = 20 * 1024 * 1024;
const NEVER = new AbortController().signal;

interface Kind {
  readonly dockerfile: string;
  /** Of `large`, a base with so much in it that threads unpack it. */
  readonly isOnLarge?: boolean;
  /** With a file in its context beside the others, so large that threads compress its layer. */
  readonly hasBig?: boolean;
  readonly flags: (to: string) => readonly string[];
}

const archive = (to: string): readonly string[] => ["-t", "soak:1", "-o", `type=oci,rewrite-timestamp=true,dest=${to}.tar`];

/** What a build can be doing when it is killed. */
const KINDS: Readonly<Record<string, Kind>> = {
  copy: { dockerfile: "FROM scratch\nCOPY files /files\nCOPY --chmod=600 input /input\n", flags: (to) => [...archive(to), "--provenance=mode=max"] },
  run: { dockerfile: "FROM base\nCOPY input /input\nRUN --mount=type=cache,target=/cache cat /input > /cache/seen && cp -r /bin /copied && cat /input > /out\nRUN rm -r /copied && ln /out /linked\n", flags: archive },
  stages: { dockerfile: "FROM base AS one\nCOPY input /input\nRUN sha256sum /input > /one\nFROM base AS two\nCOPY files /files\nRUN ls /files > /two\nFROM scratch\nCOPY --from=one /one /\nCOPY --from=two /two /\n", flags: (to) => ["-t", "soak:1", "-o", `type=oci,compression=zstd,force-compression=true,rewrite-timestamp=true,tar=false,dest=${to}-layout`] },
  pull: { isOnLarge: true, dockerfile: 'FROM large\nRUN --mount=from=base,target=/mnt ["/mnt/bin/busybox", "touch", "/large/made"]\n', flags: archive },
  big: { hasBig: true, dockerfile: "FROM scratch\nCOPY big /big\nCOPY input /input\n", flags: (to) => ["-t", "soak:1", "-o", `type=oci,compression=zstd,rewrite-timestamp=true,tar=false,dest=${to}-layout`, "-o", `type=oci,rewrite-timestamp=true,dest=${to}.tar`] },
  sbom: { dockerfile: "FROM base\nCOPY input /input\nCOPY files /files\n", flags: (to) => [...archive(to), "--sbom=true", "--provenance=mode=max"] },
};

// There are some.
const NAMES = Object.keys(KINDS) as [string, ...string[]];

const { values } = parseArgs({ options: { kills: { type: "string", default: "300" }, seed: { type: "string" }, "max-seconds": { type: "string" } } });
if (runSkip !== false) throw new Error(`this machine cannot run it: ${runSkip}`);
const seed = Number(values.seed ?? process.pid * 7919 + Math.floor(performance.timeOrigin) % 1_000_000);
const kills = Number(values.kills);
const until = performance.now() + Number(values["max-seconds"] ?? Infinity) * 1000;
process.stdout.write(`seed ${seed}, ${kills} kills\n`);
const random = new SeededRandom(seed);
const workshop = await openWorkshop();
try {
  await soak(workshop);
} finally {
  await workshop[Symbol.asyncDispose]();
}

async function soak(place: Workshop): Promise<void> {
  const usualMs = new Map<string, number>();
  for (const name of Object.keys(KINDS)) usualMs.set(name, (await buildToEnd(place, { name, version: 0, root: "warm" })).tookMs);
  const sincePending = new Map<string, number>();
  let done = 0;
  let struck = 0;
  for (let version = 1; done < kills && performance.now() < until; version++) {
    const name = random.below(12) === 0 ? "prune" : random.pick(NAMES);
    const afterMs = random.below(Math.ceil((usualMs.get(name) ?? 1500) * LONGEST_FACTOR));
    if (await killed(place, { name, version, root: "soaked" }, afterMs)) struck++;
    done++;
    if (name !== "prune") sincePending.set(name, version);
    await requireWhole(place, `after kill ${done} (${name} after ${afterMs} ms)`);
    if (done % COMPARED_EVERY !== 0 && done < kills) continue;
    for (const [pending, itsVersion] of sincePending) await requireEqual(place, pending, itsVersion);
    await requireWhole(place, "after the rebuilds");
    sincePending.clear();
    process.stdout.write(`${done} kills, ${struck} of them before the end: no damage, and rebuilds equal fresh ones\n`);
  }
  for (const [pending, itsVersion] of sincePending) await requireEqual(place, pending, itsVersion);
  process.stdout.write(`done: seed ${seed}, ${done} kills, ${struck} of them before the end, no damage, all rebuilds equal\n`);
}

interface Run {
  readonly name: string;
  /** Inputs that no cache knows yet. */
  readonly version: number;
  readonly root: string;
}

async function argvOf(place: Workshop, { name, version, root }: Run): Promise<readonly [string, ...string[]]> {
  const rootFlags = ["--root", join(place.path, root)];
  const kind = KINDS[name];
  if (kind === undefined) return [process.execPath, COMMAND, "prune", "-af", ...rootFlags];
  const context = join(place.path, `context-${name}`);
  await mkdir(join(context, "files"), { recursive: true });
  for (let i = 0; i < 40; i++) await writeFile(join(context, "files", String(i)), `${version} ${i}\n`.repeat(2000));
  await writeFile(join(context, "input"), `${version}\n`.repeat(100_000));
  if (kind.hasBig === true) await writeFile(join(context, "big"), incompressible(version));
  await writeFile(join(context, "Dockerfile"), kind.dockerfile);
  const to = join(place.path, `out-${root}-${name}`);
  await rm(`${to}-layout`, { recursive: true, force: true });
  const bases = [`base=oci-layout://${place.base}`, ...(kind.isOnLarge === true ? [`large=oci-layout://${await largeBase(place, version)}`] : [])];
  return [process.execPath, COMMAND, "build", ...rootFlags, "--build-arg", "SOURCE_DATE_EPOCH=1600000000", ...bases.flatMap((base) => ["--build-context", base]), "--metadata-file", `${to}.json`, ...kind.flags(to), context];
}

function incompressible(version: number): Uint8Array {
  return createCipheriv("aes-128-ctr", createHash("md5").update(String(version)).digest(), Buffer.alloc(16)).update(Buffer.alloc(BIG_BYTES));
}

/** An image that no store knows yet, the same for each build of a version: two layers of small files and of some megabytes that cannot be compressed. */
async function largeBase(place: Workshop, version: number): Promise<string> {
  const layout = join(place.path, `large-${version}`);
  if (existsSync(layout)) return layout;
  const context = join(place.path, "context-large");
  await mkdir(join(context, "large"), { recursive: true });
  for (let i = 0; i < 300; i++) await writeFile(join(context, "large", String(i)), `${version} ${i}\n`.repeat(100));
  for (const name of ["one", "two"]) await writeFile(join(context, name), randomBytes(LARGE_BYTES));
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY large one /large/\nCOPY two /large/\n");
  const argv = [process.execPath, COMMAND, "build", "--root", join(place.path, "large"), "-o", `type=oci,tar=false,dest=${layout}`, context] as const;
  const { exitCode, stderr } = await runProcess({ argv, env: { ...place.env, ...COMPILE_CACHE } }, NEVER);
  if (exitCode !== 0) throw new Error(`the base of a pull failed with ${exitCode}:\n${stderr.toString("utf8")}`);
  await rm(join(place.path, "large"), { recursive: true, force: true });
  return layout;
}

/** True where it was killed, and had not come to its end. */
async function killed(place: Workshop, run: Run, afterMs: number): Promise<boolean> {
  const child = startProcess({ argv: await argvOf(place, run), env: { ...place.env, ...COMPILE_CACHE } }, ["ignore", "ignore", "ignore"]);
  const ended = once(child, "close");
  await Promise.race([sleep(afterMs), ended]);
  child.kill("SIGKILL");
  const [, signal] = (await ended) as [number | null, string | null];
  return signal === "SIGKILL";
}

async function buildToEnd(place: Workshop, run: Run): Promise<{ readonly digest: string; readonly tookMs: number }> {
  const startedMs = performance.now();
  const { exitCode, stderr } = await runProcess({ argv: await argvOf(place, run), env: { ...place.env, ...COMPILE_CACHE } }, NEVER);
  if (exitCode !== 0) throw new Error(`${run.name} in ${run.root} failed with ${exitCode}:\n${stderr.toString("utf8")}`);
  // Written by the build that has just ended.
  const metadata = JSON.parse(readFileSync(join(place.path, `out-${run.root}-${run.name}.json`), "utf8")) as Record<string, string>;
  return { digest: metadata["containerimage.digest"] ?? "", tookMs: performance.now() - startedMs };
}

async function requireWhole(place: Workshop, when: string): Promise<void> {
  const found: string[] = [];
  await checkStore(join(place.path, "soaked"), { repair: false }, ({ kind, name, problem }) => void found.push(`${kind} ${name}: ${problem}`), NEVER);
  if (found.length > 0) throw new Error(`${when}, seed ${seed}:\n${found.join("\n")}`);
}

async function requireEqual(place: Workshop, name: string, version: number): Promise<void> {
  const rebuilt = await buildToEnd(place, { name, version, root: "soaked" });
  const fresh = await buildToEnd(place, { name, version, root: "fresh" });
  await rm(join(place.path, "fresh"), { recursive: true, force: true });
  if (rebuilt.digest === "" || rebuilt.digest !== fresh.digest) throw new Error(`${name}, seed ${seed}: rebuilt ${rebuilt.digest}, fresh ${fresh.digest}`);
}
