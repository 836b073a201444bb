import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BenchPlace, CommandLine } from "./place.ts";
import type { Contestant } from "./table.ts";

/** One build, as any of the builders is asked for it. */
export interface Task {
  readonly context: string;
  readonly image: string;
  readonly output: TaskOutput;
  /** False: every step is taken anew. */
  readonly cached: boolean;
  readonly provenance: "mode=max" | undefined;
  /** Of Stemma; undefined for the one that all builds of the place share. */
  readonly root: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** Into a registry, nowhere, or an OCI layout in a directory. */
export type TaskOutput = "push" | "push-zstd" | "keep" | { readonly layout: string; readonly compression: string };

export async function buildWith(place: BenchPlace, contestant: Contestant, task: Task): Promise<void> {
  if (contestant === "stemma") await place.output([...place.stemma, "build", "--progress=none", ...(task.root === undefined ? [] : ["--root", task.root]), ...commonFlags(task, "--push"), task.context], task.env);
  else if (contestant === "buildah" && place.buildah !== undefined) await runBuildah(place, place.buildah, task);
  else if (contestant === "buildkit" && place.buildkit !== undefined) await place.output([...place.buildkit, "build", "--progress=quiet", ...commonFlags(task, `--output=type=image,name=${task.image},push=true`), task.context]);
  else throw new Error(`${contestant} builds nothing here`);
}

/** What Stemma and buildx call the same. */
function commonFlags({ output, cached, provenance, image }: Task, push: string): string[] {
  const to = output === "push" ? push : output === "push-zstd" ? `--output=type=image,name=${image},push=true,compression=zstd` : output === "keep" ? "--output=type=cacheonly" : `--output=type=oci,tar=false,dest=${output.layout},compression=${output.compression}`;
  return [to, ...(cached ? [] : ["--no-cache"]), ...(provenance === undefined ? [] : [`--provenance=${provenance}`]), "-t", image];
}

async function runBuildah(place: BenchPlace, buildah: CommandLine, { context, image, output, cached }: Task): Promise<void> {
  await place.output([...buildah, "build", "--quiet", "--tls-verify=false", "--layers", "--isolation=oci", ...(cached ? [] : ["--no-cache"]), "-t", image, context]);
  if (output === "push") await place.output([...buildah, "push", "--quiet", "--tls-verify=false", image]);
}

/**
 * ext4 leaves the numbers of files that were deleted alone, for five seconds or, in newer kernels, for a minute and more, and looks past
 * each of them for every new file: ten thousand files are then made several times slower. Of peers, what was deleted cannot be helped.
 */
const DELETED_MS = 6000;

/** Empties what a peer keeps, and waits. Stemma gets a new state root instead, which is returned: the ones before it are deleted when the case ends. */
export async function freshStore(place: BenchPlace, contestant: Contestant): Promise<string | undefined> {
  if (contestant === "stemma") return await mkdtemp(join(place.path, "root-"));
  if (contestant === "buildah" && place.buildah !== undefined) await place.output([...place.buildah, "rmi", "--all", "--force"]);
  if (contestant === "buildkit" && place.buildkit !== undefined) await place.output([...place.buildkit, "prune", "--all", "--force"]);
  await delay(DELETED_MS);
  return undefined;
}
