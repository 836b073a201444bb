import type { ReadableImage } from "../export/layout.ts";
import type { Digest } from "../content/digest.ts";
import { parseReference, repositoryName, tagNameOnly } from "../oci/reference.ts";
import { pushContent, pushTags, type PushRequest } from "../registry/push.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { originOf } from "../snapshot/image-layer.ts";
import type { StepReporter } from "./step-reporter.ts";

export interface PushImageRequest {
  readonly readable: ReadableImage;
  readonly names: readonly string[];
  readonly byDigest: boolean;
  readonly step: Digest;
}

export type PushImage = (request: PushImageRequest, signal: AbortSignal) => Promise<void>;

/** Pushes to each repository that the names speak of. No tag changes before every repository has all else. */
export function imagePusher(registry: RegistryClient, steps: StepReporter): PushImage {
  return async ({ readable: { image, content }, names, byDigest, step }, signal) => {
    const pushes = [...groupByRepository(names).values()].map(({ reference, tags }): PushRequest => ({
      repository: registry.repository(reference, "push"), content, root: image.root, tags: byDigest ? [] : tags,
      mountFrom: (digest) => mountSource(image.layers, digest, reference.domain),
      onProgress: ({ descriptor, state, sentBytes }) => {
        if (state === "sent" || state === "mounted") steps.finished(step, `pushing ${state === "mounted" ? "mounted " : ""}${descriptor.digest}`, sentBytes);
      },
    }));
    const [only, ...others] = pushes;
    if (only !== undefined && others.length === 0) return await named(only, () => pushContent(only, signal));
    for (const push of pushes) await named(push, () => pushContent({ ...push, tags: [] }, signal));
    for (const push of pushes) await named(push, () => pushTags(push, signal));
  };
}

/** BuildKit's words before the registry's. */
async function named({ repository, tags }: PushRequest, push: () => Promise<void>): Promise<void> {
  try {
    await push();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    const name = `${repository.name}${tags[0] === undefined ? "" : `:${tags[0]}`}`;
    throw new RegistryError(error.code, `failed to push ${name}: ${error.message}`, { status: error.status, retryAfterMs: error.retryAfterMs, cause: error });
  }
}

function groupByRepository(names: readonly string[]): ReadonlyMap<string, { readonly reference: ReturnType<typeof parseReference>; readonly tags: string[] }> {
  const groups = new Map<string, { reference: ReturnType<typeof parseReference>; tags: string[] }>();
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
function mountSource(layers: ReadableImage["image"]["layers"], digest: Digest, domain: string): string | undefined {
  const layer = layers.find(({ descriptor }) => descriptor.digest === digest)?.layer;
  const repository = layer === undefined ? undefined : originOf(layer)?.repository;
  return repository?.startsWith(`${domain}/`) === true ? repository.slice(domain.length + 1) : undefined;
}
