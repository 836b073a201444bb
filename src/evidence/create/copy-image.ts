import type { BlobStore } from "../../content/blob-store.ts";
import { bytesOf } from "../../content/bytes.ts";
import { digestOf, type Digest } from "../../content/digest.ts";
import type { Clock } from "../../host/clock.ts";
import { isIndex } from "../../oci/media-type.ts";
import type { Reference } from "../../oci/reference.ts";
import { formatReference, repositoryName } from "../../oci/reference.ts";
import type { ReportEvent } from "../../progress/event.ts";
import { Push } from "../../registry/push.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import { referenceOf } from "../../trace/image-record.ts";
import type { Entry, NewRoot } from "./combine.ts";
import type { CopySet } from "./copy-set.ts";
import { locationText } from "./location.ts";

export interface CopyMeans {
  readonly client: RegistryClient;
  readonly report: ReportEvent;
  readonly clock: Clock;
}

/** An image that is decided, with all that goes along. */
export interface CopyRequest {
  readonly root: NewRoot;
  readonly set: CopySet;
  readonly targets: readonly Reference[];
}

/**
 * Copies an image into each repository, evidence included. No name changes before every repository has all else, so
 * that a copy that fails half-way leaves none.
 */
export async function copyImage(request: CopyRequest, means: CopyMeans, signal: AbortSignal): Promise<void> {
  const copies = [...Map.groupBy(request.targets, repositoryName).values()].map((targets) => new RepositoryCopy(request, targets, means));
  for (const copy of copies) await copy.step(() => copy.content(signal));
  for (const copy of copies) await copy.step(() => copy.names(signal));
  for (const copy of copies) copy.end();
}

/** What happens in one repository, told as one step. */
class RepositoryCopy {
  readonly #request: CopyRequest;
  /** All of one repository. */
  readonly #targets: readonly Reference[];
  readonly #means: CopyMeans;
  readonly #target: Pick<Reference, "domain" | "path">;
  readonly #name: string;
  readonly #step: Digest;
  readonly #content: Pick<BlobStore, "read">;
  /** One push: what several of the parts have in common is sent once. */
  readonly #push: Push;
  #hasBegun = false;

  constructor(request: CopyRequest, targets: readonly Reference[], means: CopyMeans) {
    const [target] = targets;
    if (target === undefined) throw new Error("a repository without targets");
    this.#request = request;
    this.#targets = targets;
    this.#means = means;
    this.#target = { domain: target.domain, path: target.path };
    // buildx has a step for each name; here all of one repository get what is sent once.
    this.#name = targets.map(formatReference).join(", ");
    this.#step = digestOf(Buffer.from(`push ${this.#name}`));
    this.#content = contentOf(request);
    this.#push = new Push({
      repository: means.client.repository(this.#target, "push"),
      mountFrom: (digest) => mountSource(request.set, digest, this.#target),
      onProgress: () => undefined,
    });
  }

  /** Runs a part of it; a failure ends the step. */
  async step(run: () => Promise<void>): Promise<void> {
    const { report, clock } = this.#means;
    if (!this.#hasBegun) report({ kind: "step-started", step: this.#step, name: `[internal] pushing ${this.#name}`, at: clock.now() });
    this.#hasBegun = true;
    try {
      await run();
    } catch (error) {
      report({ kind: "step-failed", step: this.#step, message: error instanceof Error ? error.message : String(error), at: clock.now() });
      throw error;
    }
  }

  end(): void {
    this.#means.report({ kind: "step-finished", step: this.#step, at: this.#means.clock.now() });
  }

  /** What something is about comes before it: some registries take it in no other order. */
  async content(signal: AbortSignal): Promise<void> {
    const { root, set } = this.#request;
    for (const { descriptor, place } of root.entries.toSorted((a, b) => Number(isReference(a)) - Number(isReference(b)))) {
      const [digest, from] = [descriptor.digest, locationText(place.location)];
      this.#say(`copying ${digest} from ${from} to ${this.#name}`);
      const push = async (): Promise<void> => {
        if (isIndex(root.descriptor.mediaType)) await this.#push.entry(this.#content, descriptor, signal);
        else await this.#push.below({ content: this.#content, roots: [descriptor] }, signal);
      };
      await named(`copy ${digest} from ${from} to ${this.#name}`, push);
    }
    if (set.referrers.some(({ subject }) => subject === root.descriptor.digest)) {
      await named(`copy ${root.descriptor.digest} to ${this.#name}`, () => this.#push.manifests({ content: this.#content, roots: [root.descriptor] }, "named", signal));
    }
    for (const { subject, document } of set.referrers) {
      const { digest } = document.descriptor;
      this.#say(`copying ${digest}, which refers to ${subject}`);
      await named(`copy ${digest} to ${this.#name}`, () => this.#push.manifests({ content: this.#content, roots: [document.descriptor] }, "referrer", signal));
    }
    for (const { subject, descriptor } of set.left) this.#say(`leaving ${descriptor.digest}, which refers to ${subject}: ${descriptor.artifactType ?? "no type"} is no evidence`);
  }

  async names(signal: AbortSignal): Promise<void> {
    const { descriptor } = this.#request.root;
    for (const target of this.#targets) {
      const name = formatReference(target);
      this.#say(`pushing ${descriptor.digest} to ${name}`);
      const root = { content: this.#content, root: descriptor };
      const push = target.tag === undefined ? this.#push.manifests({ content: root.content, roots: [descriptor] }, "referrer", signal) : this.#push.tags(root, [target.tag], signal);
      await named(`publish ${descriptor.digest} to ${name}`, () => push);
    }
  }

  #say(line: string): void {
    this.#means.report({ kind: "step-output", step: this.#step, stream: "stdout", bytes: Buffer.from(`${line}\n`), at: this.#means.clock.now() });
  }
}

function contentOf({ set }: CopyRequest): Pick<BlobStore, "read"> {
  return {
    read(digest, signal) {
      const document = set.documents.get(digest);
      if (document !== undefined) return bytesOf(document.bytes);
      const blob = set.blobs.get(digest);
      if (blob === undefined) throw new Error(`${digest} is in no source`);
      return blob.place.source.blob(blob.descriptor, signal);
    },
  };
}

function isReference({ descriptor }: Entry): boolean {
  return referenceOf(descriptor) !== undefined;
}

/** A blob can be mounted where its source lies in the same registry. */
function mountSource({ blobs }: CopySet, digest: Digest, target: Pick<Reference, "domain" | "path">): string | undefined {
  const location = blobs.get(digest)?.place.location;
  if (location?.kind !== "registry" || location.reference.domain !== target.domain || location.reference.path === target.path) return undefined;
  return location.reference.path;
}

/** buildx's words before the registry's. */
async function named(what: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    throw new RegistryError(error.code, `${what}: ${error.message}`, { status: error.status, retryAfterMs: error.retryAfterMs, cause: error });
  }
}
