import type { Digest } from "../content/digest.ts";
import type { LayerBlob } from "../export/layer-blob.ts";
import type { ReadableImage } from "../export/layout.ts";
import { parseReference, repositoryName, tagNameOnly, type Reference } from "../oci/reference.ts";
import { Push } from "../registry/push.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { ClientFor } from "./cache-imports.ts";
import { pushProgress } from "./push-progress.ts";
import type { StepReporter } from "./step-reporter.ts";

/** One repository that an image goes to, with its tags there. */
export interface PushTarget {
  readonly reference: Reference;
  readonly tags: readonly string[];
  readonly client: RegistryClient;
  readonly push: Push;
}

export interface TargetParts {
  readonly names: readonly string[];
  /** Of the image, once they are known: those of its base may be mounted from where it came from. */
  readonly layers: () => ReadableImage["image"]["layers"];
  readonly clientFor: ClientFor;
  /** The registries may be reached in any way that they answer. */
  readonly insecure: boolean;
  readonly steps: StepReporter;
  readonly step: Digest;
}

/** One for each repository that the names speak of. */
export function pushTargets({ names, layers, clientFor, insecure, steps, step }: TargetParts): readonly PushTarget[] {
  return [...groupByRepository(names).values()].map(({ reference, tags }) => {
    const client = clientFor({ reference, insecure });
    const push = new Push({
      repository: client.repository(reference, "push"),
      mountFrom: (digest) => mountSource(layers(), digest, reference.domain),
      onProgress: pushProgress(steps, step, (digest, state) => `pushing ${state === "mounted" ? "mounted " : ""}${digest}`),
    });
    return { reference, tags, client, push };
  });
}

/** BuildKit's words before the registry's. */
export async function named<T>(target: PushTarget, push: () => Promise<T>): Promise<T> {
  try {
    return await push();
  } catch (error) {
    throw namedError(target, error);
  }
}

export function namedError({ push, tags }: PushTarget, error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  const name = `${push.repository.name}${tags[0] === undefined ? "" : `:${tags[0]}`}`;
  return new RegistryError(error.code, `failed to push ${name}: ${error.message}`, { status: error.status, retryAfterMs: error.retryAfterMs, said: error.said, cause: error });
}

function groupByRepository(names: readonly string[]): ReadonlyMap<string, { readonly reference: Reference; readonly tags: string[] }> {
  const groups = new Map<string, { reference: Reference; tags: string[] }>();
  for (const name of names) {
    const reference = tagNameOnly(parseReference(name));
    const key = repositoryName(reference);
    const group = groups.get(key) ?? { reference, tags: [] };
    if (reference.tag !== undefined && !group.tags.includes(reference.tag)) group.tags.push(reference.tag);
    groups.set(key, group);
  }
  return groups;
}

/** A blob can be mounted from the base's repository where that is in the same registry. */
export function mountSource(layers: readonly LayerBlob[], digest: Digest, domain: string): string | undefined {
  const repository = layers.find(({ descriptor }) => descriptor.digest === digest)?.origin?.repository;
  return repository?.startsWith(`${domain}/`) === true ? repository.slice(domain.length + 1) : undefined;
}
