import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fillFiles } from "./fillers.ts";
import type { BenchPlace } from "./place.ts";

/** Of the large base, beside the two that bring busybox. */
export const BASE_LAYERS = 6;

/** Debian's static busybox, and layers of many files above it. */
export async function largeBase(place: BenchPlace, image: string): Promise<void> {
  const context = join(place.path, "large-base");
  for (let i = 0; i < BASE_LAYERS; i++) fillFiles(join(context, `l${i}`), 2000, 10 * 1024);
  copyFileSync("/bin/busybox", join(context, "busybox"));
  const layers = Array.from({ length: BASE_LAYERS }, (_, i) => `COPY l${i} /l${i}\n`);
  writeFileSync(join(context, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n${layers.join("")}ENV PATH=/bin\n`);
  await place.output([...place.stemma, "build", "--progress=none", "--push", "-t", image, context]);
  await rm(context, { recursive: true, force: true });
}

/** The same busybox with nothing above it. */
export async function smallBase(place: BenchPlace, image: string): Promise<void> {
  const context = join(place.path, "base");
  mkdirSync(context, { recursive: true });
  copyFileSync("/bin/busybox", join(context, "busybox"));
  writeFileSync(join(context, "Dockerfile"), `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENV PATH=/bin\n`);
  await place.output([...place.stemma, "build", "--progress=none", "--push", "-t", image, context]);
}

export function runDockerfile(base: string, steps: number): string {
  return `FROM ${base}\n${Array.from({ length: steps }, (_, i) => `RUN busybox true ${i}\n`).join("")}`;
}
