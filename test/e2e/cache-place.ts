import { existsSync, readdirSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildEvent } from "../../src/doors/build.ts";
import { finished, openWorkshop, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

/** Machines that have nothing in common but a cache: state roots of one workshop. */
export interface Machines extends AsyncDisposable {
  readonly workshop: Workshop;
  /** The context is the same for all that give the same files. */
  build(machine: string, dockerfile: string, options?: WorkshopBuild): Promise<MachineBuilt>;
  /** Names of the layers that a machine has in its store. */
  layers(machine: string): readonly string[];
  path(name: string): string;
}

export interface MachineBuilt extends Built {
  /** Steps of the Dockerfile that a command or a copy ran for. */
  readonly worked: readonly string[];
  readonly warnings: readonly string[];
  /** Digest of the image itself: records of two machines tell of two builds. */
  readonly image: string | undefined;
}

export async function openMachines(): Promise<Machines> {
  const workshop = await openWorkshop();
  const rootOf = (machine: string): string => join(workshop.path, machine);
  return {
    workshop,
    path: (name) => join(workshop.path, name),
    async build(machine, dockerfile, options) {
      const request = await workshop.request(dockerfile, options);
      const built = await finished({ ...request, root: rootOf(machine) });
      return { ...built, worked: built.ran.filter((name) => /\] (?:RUN|COPY|ADD|WORKDIR) /.test(name)), warnings: warningsOf(built.events), image: built.outcome.platforms[0]?.manifest };
    },
    layers: (machine) => (existsSync(join(rootOf(machine), "layers/layers")) ? readdirSync(join(rootOf(machine), "layers/layers")) : []),
    [Symbol.asyncDispose]: () => workshop[Symbol.asyncDispose](),
  };
}

export function warningsOf(events: readonly BuildEvent[]): readonly string[] {
  return events.flatMap((event) => (event.kind === "notice" && event.message.includes("cache") ? [event.message] : []));
}

/** A cache in an OCI layout, to be looked at and to be broken. */
export interface CacheLayout {
  readonly manifest: { readonly mediaType: string; readonly config: LayoutEntry; readonly layers: readonly LayoutEntry[]; readonly manifests: readonly LayoutEntry[] };
  readonly config: { readonly layers: ReadonlyArray<{ readonly blob: string; readonly parent: number }>; readonly records: ReadonlyArray<{ readonly digest: string; readonly layers?: readonly object[]; readonly inputs?: unknown }> };
  /** Of a blob. */
  readonly file: (digest: string) => string;
}

export interface LayoutEntry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export async function readCacheLayout(path: string): Promise<CacheLayout> {
  const file = (digest: string): string => join(path, "blobs", digest.replace(":", "/"));
  const json = async <T>(name: string): Promise<T> => JSON.parse(await readFile(name, "utf8")) as T;
  const index = await json<{ readonly manifests: readonly LayoutEntry[] }>(join(path, "index.json"));
  const manifest = await json<CacheLayout["manifest"]>(file(index.manifests[0]?.digest ?? ""));
  const entry = manifest.config ?? manifest.manifests.find(({ mediaType }) => mediaType.includes("cacheconfig"));
  return { manifest, config: await json(file(entry.digest)), file };
}

/** The same bytes under the same name, but for the last ones: no digest fits them any more. */
export async function spoil(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.fill(0x55, bytes.length - 4);
  await writeFile(path, bytes, { mode: 0o644 });
}
