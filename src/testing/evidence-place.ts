import type { RegistryClient } from "../registry/registry-client.ts";
import type { Repository } from "../registry/repository.ts";
import { openImage, type OpenImage } from "../trace/open-image.ts";
import { EvidenceSamples } from "./evidence-samples.ts";
import { startFakeRegistry, type FakeRegistry, type FakeRegistryOptions } from "./fake-registry.ts";
import { testClient } from "./registry-fixture.ts";

/** A registry in memory with one repository `a`, and what a test does with it. */
export interface EvidencePlace extends AsyncDisposable {
  readonly registry: FakeRegistry;
  readonly client: RegistryClient;
  readonly repository: Repository;
  readonly samples: EvidenceSamples;
  readonly signal: AbortSignal;
  /** `a:1` → `127.0.0.1:port/a:1`. */
  name(path: string): string;
  with<T>(path: string, use: (image: OpenImage) => Promise<T>): Promise<T>;
}

export async function openEvidencePlace(options: FakeRegistryOptions = {}): Promise<EvidencePlace> {
  const signal = AbortSignal.timeout(60_000);
  const registry = await startFakeRegistry(options);
  const client = testClient();
  const repository = client.repository({ domain: registry.host, path: "a" }, "push");
  const name = (path: string): string => `${registry.host}/${path}`;
  return {
    registry, client, repository, signal, name,
    samples: new EvidenceSamples(repository, signal),
    async with(path, use) {
      await using image = await openImage(name(path), { client, cwd: "/" }, signal);

      return await use(image);
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}
