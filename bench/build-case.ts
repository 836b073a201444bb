import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startDockerRegistry, type DockerRegistry } from "../src/testing/docker-registry.ts";
import { buildWith, freshStore, type Task, type TaskOutput } from "./builders.ts";
import { directoryOf, type BenchPlace } from "./place.ts";
import type { PreparedCase } from "./prepared-case.ts";
import { openProbe, type Measured } from "./probe-reading.ts";
import type { Contestant, Peer } from "./table.ts";

export interface BuildCase {
  readonly name: string;
  readonly dockerfile: (base: string) => string;
  readonly fill: (context: string) => Promise<void> | void;
  /** Pushes what the Dockerfile is from; undefined where that is nothing. */
  readonly base?: (place: BenchPlace, image: string) => Promise<void>;
  /** `gzip` and `zstd`: an OCI layout with that compression. buildah takes part where nothing is said of compression. */
  readonly output: "push" | "push-zstd" | "keep" | "gzip" | "zstd";
  /** `cached`: nothing is to be done. `anew`: each step is, over what the store has. `fresh`: in an empty store. */
  readonly state: "cached" | "anew" | "fresh";
  readonly provenance?: "mode=max";
  /** Memory, processor and event loop of Stemma are read too. */
  readonly probed?: boolean;
  /** Command that compresses `big` of the context to standard output. */
  readonly alone?: string;
  /** buildah pulls the base, and builds nothing. */
  readonly buildahPulls?: boolean;
  /** Who takes part beside Stemma, of those that are here. */
  readonly peers?: readonly Peer[];
}

export async function prepareBuild(place: BenchPlace, build: BuildCase): Promise<PreparedCase> {
  const context = await directoryOf(place, build.name);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(context, { recursive: true, force: true }));
  const base = await pushedBase(place, build, stack);
  await writeFile(join(context, "Dockerfile"), build.dockerfile(base));
  await build.fill(context);
  const race = new BuildRace(place, build, { context, base });
  stack.use(race);
  await race.warmUp();
  const moved = stack.move();
  return { before: (contestant) => race.before(contestant), run: race.run, measured: race.measured, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

async function pushedBase(place: BenchPlace, { base }: BuildCase, stack: AsyncDisposableStack): Promise<string> {
  if (base === undefined) return "scratch";
  const image = `${stack.use(await startDockerRegistry()).host}/bench/base:1`;
  await base(place, image);
  return image;
}

class BuildRace implements AsyncDisposable {
  readonly run: PreparedCase["run"];
  readonly measured: Measured[] = [];
  readonly #place: BenchPlace;
  readonly #build: BuildCase;
  readonly #input: { readonly context: string; readonly base: string };
  #target: DockerRegistry | undefined;
  #root: string | undefined;
  readonly #roots: string[] = [];
  #layout: string | undefined;

  constructor(place: BenchPlace, build: BuildCase, input: { readonly context: string; readonly base: string }) {
    this.#place = place;
    this.#build = build;
    this.#input = input;
    const { peers = ["buildah", "buildkit", "alone"], output, alone } = build;
    const isHere: Readonly<Record<Peer, boolean>> = {
      buildah: place.buildah !== undefined && (output === "push" || output === "keep"),
      buildkit: place.buildkit !== undefined,
      alone: alone !== undefined && place.find(alone.split(" ")[0] ?? "") !== undefined,
    };
    const runs = peers.filter((peer) => isHere[peer]).map((peer) => [peer, () => this.#runPeer(peer)] as const);
    this.run = { stemma: () => this.#runStemma(), ...Object.fromEntries(runs) };
  }

  /** What is done once in a store is not what is measured; where the store is fresh each time, nothing is. */
  async warmUp(): Promise<void> {
    if (this.#build.state === "fresh") return;
    this.#target = await startDockerRegistry();
    for (const run of Object.values(this.run)) await run();
    this.measured.length = 0;
  }

  async before(contestant: Contestant): Promise<void> {
    const { state, output } = this.#build;
    if (state !== "fresh") return;
    await this.#forget();
    this.#root = await freshStore(this.#place, contestant);
    if (this.#root !== undefined) this.#roots.push(this.#root);
    // An empty registry each time: a blob that is there already would not be sent.
    if (output === "push" || output === "push-zstd") this.#target = await startDockerRegistry();
    this.#layout = await mkdtemp(join(this.#place.path, "layout-"));
  }

  async #runStemma(): Promise<void> {
    if (this.#build.probed !== true) return await buildWith(this.#place, "stemma", this.#task({}));
    const probe = openProbe(this.#place.path);
    const startedMs = performance.now();
    await buildWith(this.#place, "stemma", this.#task(probe.env));
    this.measured.push({ ...probe.read(), wallMs: performance.now() - startedMs });
  }

  async #runPeer(peer: Peer): Promise<void> {
    const { buildah, output, path } = this.#place;
    const { alone, buildahPulls } = this.#build;
    if (peer === "alone") await output(["sh", "-c", `cd "$0" && ${alone} -c big > "$1"`, this.#input.context, join(this.#layout ?? path, "alone")]);
    else if (peer === "buildah" && buildah !== undefined && buildahPulls === true) await output([...buildah, "pull", "--quiet", "--tls-verify=false", this.#input.base]);
    else await buildWith(this.#place, peer, this.#task({}));
  }

  #task(env: Task["env"]): Task {
    const { name, output, state, provenance } = this.#build;
    const into: TaskOutput = output === "push" || output === "push-zstd" || output === "keep" ? output : { layout: join(this.#layout ?? this.#place.path, "image"), compression: output };
    return { context: this.#input.context, image: `${this.#target?.host ?? "bench.invalid"}/bench/${name}:1`, output: into, cached: state !== "anew", provenance, root: this.#root, env };
  }

  async #forget(): Promise<void> {
    await this.#target?.[Symbol.asyncDispose]();
    this.#target = undefined;
    if (this.#layout !== undefined) await rm(this.#layout, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forget();
    for (const root of this.#roots) await rm(root, { recursive: true, force: true });
  }
}
