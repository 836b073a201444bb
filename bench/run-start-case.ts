import { copyFileSync, mkdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startDockerRegistry } from "../src/testing/docker-registry.ts";
import { runDockerfile, smallBase } from "./bases.ts";
import { buildWith } from "./builders.ts";
import { directoryOf, type BenchPlace } from "./place.ts";
import type { PreparedCase } from "./prepared-case.ts";

/** The difference between builds of many steps and of one, for each step; as many starts of runc, for each. */
export async function prepareRunStart(place: BenchPlace, steps: number): Promise<PreparedCase> {
  const registry = await startDockerRegistry();
  const base = `${registry.host}/bench/base:1`;
  await smallBase(place, base);
  const contexts = { one: await directoryOf(place, "start-one"), many: await directoryOf(place, "start-many") };
  await writeFile(join(contexts.one, "Dockerfile"), runDockerfile(base, 1));
  await writeFile(join(contexts.many, "Dockerfile"), runDockerfile(base, 1 + steps));
  const timed = async (contestant: "stemma" | "buildkit", context: string): Promise<number> => {
    const startedMs = performance.now();
    await buildWith(place, contestant, { context, image: "bench.invalid/bench/start:1", output: "keep", cached: false, provenance: undefined, root: undefined, env: {} });
    return performance.now() - startedMs;
  };
  const perStep = async (contestant: "stemma" | "buildkit"): Promise<number> => {
    const oneMs = await timed(contestant, contexts.one);
    return ((await timed(contestant, contexts.many)) - oneMs) / steps;
  };
  const alone = await prepareRunc(place, steps);
  await perStep("stemma");
  return {
    before: async () => undefined,
    run: {
      stemma: () => perStep("stemma"),
      ...(place.buildkit === undefined ? {} : { buildkit: () => perStep("buildkit") }),
      ...(alone === undefined ? {} : { alone }),
    },
    measured: [],
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      for (const context of Object.values(contexts)) await rm(context, { recursive: true, force: true });
    },
  };
}

/** Undefined where there is no runc. Its time is that of one start. */
async function prepareRunc(place: BenchPlace, starts: number): Promise<(() => Promise<number>) | undefined> {
  const runc = place.find("runc");
  if (runc === undefined) return undefined;
  const bundle = await directoryOf(place, "runc");
  mkdirSync(join(bundle, "rootfs/bin"), { recursive: true });
  for (const name of ["busybox", "sh"]) copyFileSync("/bin/busybox", join(bundle, "rootfs/bin", name));
  await place.output([runc, "spec", "--bundle", bundle, ...(process.getuid?.() === 0 ? [] : ["--rootless"])]);
  const path = join(bundle, "config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as { process: object };
  // As a RUN has it: no terminal, and a shell that starts the command.
  await writeFile(path, JSON.stringify({ ...config, process: { ...config.process, terminal: false, args: ["/bin/sh", "-c", "busybox true"] } }));
  const run = async (): Promise<void> => void (await place.output([runc, "--root", join(place.path, "runc-state"), "run", "--bundle", bundle, "bench"]));
  return async () => {
    const startedMs = performance.now();
    for (let i = 0; i < starts; i++) await run();
    return (performance.now() - startedMs) / starts;
  };
}
