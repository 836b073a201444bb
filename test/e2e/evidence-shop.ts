import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { EvidenceSamples } from "../../src/testing/evidence-samples.ts";
import { testClient } from "../../src/testing/registry-fixture.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

/** For node:test: the reason to skip what needs a real registry, or false. */
export const shopSkip: string | false = dockerRegistrySkip;

/** A place for the command, with a registry of its own beside it. */
export interface EvidenceShop extends AsyncDisposable {
  readonly place: Place;
  readonly registry: DockerRegistry;
  /** Puts evidence into a repository in forms that our own builds do not give it. */
  samples(repository: string): EvidenceSamples;
  /** `a:1` → `127.0.0.1:port/a:1`. */
  name(path: string): string;
  /** Builds and pushes an image of one file; its digest. */
  push(path: string, ...flags: readonly string[]): Promise<string>;
  /** The command, which must succeed. */
  ok(...args: readonly string[]): Promise<CommandRun>;
  /** The command, which must fail with this status. */
  fails(exitCode: number, ...args: readonly string[]): Promise<CommandRun>;
  /** A manifest as the registry has it, asked without our own code; undefined where it has none. */
  manifest(path: string): Promise<RegistryManifest | undefined>;
}

export interface RegistryManifest {
  readonly digest: string;
  readonly text: string;
  readonly manifests: ReadonlyArray<{ readonly digest: string; readonly platform?: { readonly architecture: string }; readonly annotations?: Readonly<Record<string, string>> }>;
  readonly layers: ReadonlyArray<{ readonly digest: string; readonly annotations?: Readonly<Record<string, string>> }>;
}

const ACCEPT = ["application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.docker.distribution.manifest.v2+json"].join(", ");

export async function openEvidenceShop(): Promise<EvidenceShop> {
  const place = await openPlace();
  const registry = await startDockerRegistry();
  const client = testClient();
  const name = (path: string): string => `${registry.host}/${path}`;
  const run = async (exitCode: number, args: readonly string[]): Promise<CommandRun> => {
    const result = await place.stemmaHere(args);
    assert.equal(result.exitCode, exitCode, `${args.join(" ")}:\n${result.stdout}${result.stderr}`);
    return result;
  };
  const manifest: EvidenceShop["manifest"] = async (path) => {
    const [, repository, reference] = /^([^:@]+)[:@](.+)$/.exec(path) ?? [];
    const answer = await fetch(`http://${registry.host}/v2/${repository}/manifests/${reference}`, { headers: { accept: ACCEPT } });
    const text = await answer.text();
    if (answer.status === 404) return undefined;
    assert.equal(answer.status, 200, text);
    return { manifests: [], layers: [], ...(JSON.parse(text) as object), text, digest: answer.headers.get("docker-content-digest") ?? "" };
  };
  return {
    place, registry, name, manifest,
    samples: (repository) => new EvidenceSamples(client.repository({ domain: registry.host, path: repository }, "push"), AbortSignal.timeout(60_000)),
    async push(path, ...flags) {
      const context = await makeContext(place, randomUUID(), { Dockerfile: `FROM scratch\nCOPY file /\n`, file: path });
      await run(0, ["build", "--root", join(place.path, "state"), "-t", name(path), "--push", ...flags, context]);
      return (await manifest(path))?.digest ?? assert.fail(`${path} was not pushed`);
    },
    ok: (...args) => run(0, args),
    fails: (exitCode, ...args) => run(exitCode, args),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}
