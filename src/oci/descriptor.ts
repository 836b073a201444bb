import type { Digest } from "../content/digest.ts";
import type { Platform } from "./platform.ts";

/** Points at content: OCI image-spec, descriptor.md. Keys are the specification's, so that it can be written as it is. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  /** Base64 of the content itself. */
  readonly data?: string;
  readonly urls?: readonly string[];
}
