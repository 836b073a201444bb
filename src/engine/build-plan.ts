import type { ExportTarget } from "../export/target.ts";
import type { Platform } from "../oci/platform.ts";
import type { ProvenancePlan } from "../provenance/params.ts";
import type { NamedSecret } from "../session/secret-flag.ts";

/** Where a stage's files can come from besides the Dockerfile: `--build-context NAME=…`. */
export type NamedContext =
  | { readonly kind: "directory"; readonly name: string; readonly path: string }
  | { readonly kind: "image"; readonly name: string; readonly reference: string }
  | { readonly kind: "oci-layout"; readonly name: string; readonly path: string; readonly tag: string | undefined; readonly digest: string | undefined };

/** What one build does: nothing absent, nothing contradictory. */
export interface BuildPlan {
  /** Absolute. */
  readonly contextDirectory: string;
  /** Directory and name apart: the frontend looks for NAME.dockerignore beside it. */
  readonly dockerfile: { readonly kind: "file"; readonly directory: string; readonly name: string } | { readonly kind: "text"; readonly text: Uint8Array };
  readonly target: string | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly namedContexts: readonly NamedContext[];
  /** Empty: the platform of this machine, and no platform named in the request. */
  readonly platforms: readonly Platform[];
  readonly noCache: boolean;
  readonly pull: boolean;
  readonly network: "default" | "none" | "host";
  readonly secrets: readonly NamedSecret[];
  /** Never empty: a build without a destination has `cacheonly`. */
  readonly exports: readonly [ExportTarget, ...ExportTarget[]];
  /** Undefined: no provenance. */
  readonly provenance: ProvenancePlan | undefined;
  /** Operations at a time. */
  readonly parallelism: number;
}
