import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildWith, freshStore, type Task } from "./builders.ts";
import { fillBig } from "./fillers.ts";
import { directoryOf, type BenchPlace } from "./place.ts";
import type { PreparedCase } from "./prepared-case.ts";

/** Files younger than this are read in each build. */
const SETTLED_MS = 2500;

/** What a first build takes longer than a second, in which the file's digest is remembered. */
export async function prepareHashing(place: BenchPlace, sizeMiB: number): Promise<PreparedCase> {
  const context = await directoryOf(place, "hashing");
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY big /big\n");
  await fillBig(join(context, "big"), sizeMiB);
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const sha256sum = place.find("sha256sum");
  let root: string | undefined;
  const roots: string[] = [];
  const timed = async (): Promise<number> => {
    const task: Task = { context, image: "bench.invalid/bench/hashing:1", output: "keep", cached: true, provenance: undefined, root, env: {} };
    const startedMs = performance.now();
    await buildWith(place, "stemma", task);
    return performance.now() - startedMs;
  };
  return {
    async before(contestant) {
      root = await freshStore(place, contestant);
      if (root !== undefined) roots.push(root);
    },
    run: {
      async stemma() {
        const firstMs = await timed();
        return firstMs - (await timed());
      },
      ...(sha256sum === undefined ? {} : { alone: async () => void (await place.output([sha256sum, join(context, "big")])) }),
    },
    measured: [],
    async [Symbol.asyncDispose]() {
      for (const directory of [context, ...roots]) await rm(directory, { recursive: true, force: true });
    },
  };
}
