import type { Digest } from "../content/digest.ts";
import type { LayerBlob } from "../export/layer-blob.ts";
import type { ReadableImage } from "../export/layout.ts";
import { parseReference, repositoryName, tagNameOnly, type Reference } from "../oci/reference.ts";
import { Push } from "../registry/push.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { StepReporter } from "./step-reporter.ts";

/** One repository that an image goes to, with its tags there. */
export interface PushTarget {
  readonly reference: Reference;
  readonly tags: readonly string[];
  readonly push: Push;
}

export interface TargetParts {
  readonly names: readonly string[];
  /** Of the image, once they are known: those of its base may be mounted from where it came from. */
  readonly layers: () => ReadableImage["image"]["layers"];
  readonly registry: RegistryClient;
  readonly steps: StepReporter;
  readonly step: Digest;
}

/** One for each repository that the names speak of. */
export function pushTargets({ names, layers, registry, steps, step }: TargetParts): readonly PushTarget[] {
  return [...groupByRepository(names).values()].map(({ reference, tags }) => ({
    reference, tags,
    push: new Push({
      repository: registry.repository(reference, "push"),
      mountFrom: (digest) => mountSource(layers(), digest, reference.domain),
      onProgress: ({ descriptor, state, sentBytes }) => {
        if (state === "sent" || state === "mounted") steps.finished(step, `pushing ${state === "mounted" ? "mounted " : ""}${descriptor.digest}`, sentBytes);
      },
    }),
  }));
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
