import type { Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Platform } from "../oci/platform.ts";

export interface PlatformOutcome {
  readonly platform: Platform;
  readonly manifest: Digest;
  readonly config: Digest;
}

/** Where the statements about an image are. */
export type EvidencePlace =
  /** In these manifests: beside the image in its index, found by what they refer to, or both. */
  | { readonly kind: "index" | "referrers" | "both"; readonly attestations: readonly Digest[] }
  /** In these files, by absolute path. */
  | { readonly kind: "file"; readonly paths: readonly string[] }
  | { readonly kind: "none" };

/** What a build came to. */
export interface BuildOutcome {
  /** Of the build, as in its history. */
  readonly ref: string;
  /** As `--iidfile` has it: digest of the configuration, or of the index where there is one. Undefined where no image was made. */
  readonly imageId: Digest | undefined;
  /** What the names point at: an index or a manifest. */
  readonly image: Descriptor | undefined;
  readonly names: readonly string[];
  /** By which the image can be read from now on, as `openImage` takes it; undefined where it is in no registry and in no directory. */
  readonly reference: string | undefined;
  /** Runtimes of the sandboxes in which the RUNs of the result ran, also in earlier builds; those of which nobody remembers are left out. */
  readonly sandboxes: readonly string[];
  /** Undefined where no image was made. */
  readonly evidence: EvidencePlace | undefined;
  readonly platforms: readonly PlatformOutcome[];
  /** The text of buildx's metadata file (JSON). */
  readonly metadata: string;
}
