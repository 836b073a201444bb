import type { Digest } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import type { GitRequest } from "../source/git-request.ts";

/** What an input of the build turned out to be. Set when it is looked up, so also for steps that a cache answered for. */
export type Pin =
  | { readonly kind: "image"; readonly reference: Reference; readonly digest: Digest; readonly platform: Platform; readonly layout: boolean }
  | { readonly kind: "http"; readonly url: string; readonly digest: Digest }
  | { readonly kind: "git"; readonly request: GitRequest; readonly commit: string }
  | { readonly kind: "local"; readonly name: string; readonly root: Digest };

/** Pins by the vertex of the source. */
export type Pins = Map<Digest, Pin>;
