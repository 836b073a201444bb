import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../../src/testing/docker-registry.ts";
import { openPlace, type CommandRun, type Place } from "../e2e/command.ts";

/** The registry that the samples were pushed to; its name is part of what they say. */
export const SAMPLE_HOST = "127.0.0.1:5555";

const samples = conformanceFolder("samples");

/** For node:test: why the samples cannot be made again here, or false. */
export const samplesSkip: string | false = samples.skip !== false ? samples.skip : dockerRegistrySkip !== false ? dockerRegistrySkip : process.geteuid?.() === 0 ? false : "needs root";

/** A place with a registry like that of the samples, which also stands in for docker.io with the samples' busybox. */
export interface SampleWorkplace extends AsyncDisposable {
  readonly place: Place;
  readonly host: string;
  /** What the sample's command line does in a shell after the build, here. */
  lookAtOutput(sample: string, cwd: string): Promise<string>;
  /**
   * The command line of a sample, run by us: `buildx` and where it wrote to are replaced, words are split at blanks.
   */
  build(sample: string, cwd: string, env?: Readonly<Record<string, string>>): Promise<CommandRun & { readonly metadata: string }>;
  /** Where the samples' outputs go, in the place of `/samples/` on the machine that made them. */
  outputOf(path: string): string;
}

export async function openSampleWorkplace(): Promise<SampleWorkplace> {
  const place = await openPlace();
  const registry = await startDockerRegistry();
  await place.run(["skopeo", "copy", "--quiet", "--dest-tls-verify=false", `oci:${join(samples.path, "bases/busybox")}`, `docker://${registry.host}/library/busybox:latest`]);
  await mkdir(join(place.path, ".config/stemma"), { recursive: true });
  await writeFile(join(place.path, ".config/stemma/stemma.toml"), `[registry."docker.io"]\n  mirrors = ["${registry.host}"]\n`);
  const outputs = join(place.path, "outputs");
  return {
    place,
    host: registry.host,
    outputOf: (path) => join(outputs, path),
    async lookAtOutput(sample, cwd) {
      const [command = ""] = (await readFile(join(samples.path, sample, "cmd"), "utf8")).split("\n");
      const look = command.slice(command.indexOf(" && ") + " && ".length).replaceAll("/samples/", `${outputs}/`);
      return await place.run(["sh", "-c", look], { cwd, env: { TZ: "UTC", LC_ALL: "C" } });
    },
    async build(sample, cwd, env = {}) {
      const [command = ""] = (await readFile(join(samples.path, sample, "cmd"), "utf8")).split(/ && |; |\n/);
      const here = command.replaceAll(SAMPLE_HOST, registry.host).replaceAll("/samples/", `${outputs}/`).trim().split(" ");
      const at = here.indexOf("buildx");
      const variables = Object.fromEntries(here.slice(0, at).map((word) => word.split("=", 2)));
      const metadataAt = here.indexOf("--metadata-file") + 1;
      const metadata = join(place.path, "metadata.json");
      const args = here.slice(at + 1).map((word, i) => (i + at + 1 === metadataAt ? metadata : word));
      const run = await place.stemma(args, { cwd, env: { ...variables, ...env } });
      return { ...run, metadata: run.exitCode === 0 ? await readFile(metadata, "utf8") : "" };
    },
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/**
 * The metadata file of a sample as ours must be: values of build arguments and labels are no part of ours (docs/provenance.md),
 * and the run's id, the registry and the root's digest are ours.
 */
export function expectedMetadata(sample: string, ours: string, host: string): string {
  const { "buildx.build.ref": ref, "containerimage.digest": digest } = JSON.parse(ours) as Record<string, string>;
  const theirs = JSON.parse(sample) as Record<string, string>;
  return sample
    .replaceAll(/^ *"(?:build-arg|label):.*\n/gm, "")
    .replaceAll(/^ *"args": \{\n *\},\n/gm, "")
    .replaceAll(SAMPLE_HOST, host)
    .replaceAll(theirs["buildx.build.ref"] ?? "-", ref ?? "")
    .replaceAll(theirs["containerimage.digest"] ?? "-", digest ?? "-");
}
