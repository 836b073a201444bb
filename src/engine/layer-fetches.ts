import type { ByteStream } from "../content/blob-store.ts";
import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { ImageLayer } from "../snapshot/image-layer.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import type { StepReporter } from "./step-reporter.ts";

/**
 * Shows layers that are fetched: as parts of the step whose result they are, whoever needs them. A layer of several steps is shown
 * with the first of them that named it; one of none, such as of an image that is only asked about, is not shown.
 */
export class LayerFetches {
  readonly #steps: StepReporter;
  /** By the digest of a layer's blob. */
  readonly #owners = new Map<Digest, Digest>();

  constructor(steps: StepReporter) {
    this.#steps = steps;
  }

  own(step: Digest, chain: LayerChain): void {
    for (const layer of chain) {
      if (!(layer instanceof ImageLayer)) continue;
      const { digest } = layer.origin.descriptor;
      if (!this.#owners.has(digest)) this.#owners.set(digest, step);
    }
  }

  /** The same bytes. */
  async *shown({ digest, size }: Descriptor, bytes: ByteStream): ByteStream {
    const owner = this.#owners.get(digest);
    if (owner === undefined) return yield* bytes;
    const part = this.#steps.resume(owner, digest, size);
    let close = (): void => part.breakOff();
    try {
      for await (const chunk of bytes) {
        part.passed(chunk.byteLength);
        yield chunk;
      }
      close = part.end;
    } catch (error) {
      close = () => part.breakOff(error);
      throw error;
    } finally {
      close();
    }
  }
}
