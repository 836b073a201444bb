import type { ExportTarget } from "../export/target.ts";
import type { Platform } from "../oci/platform.ts";
import type { Entitlements } from "../ops/entitlements.ts";
import type { ProvenancePlan, SbomPlan } from "../provenance/params.ts";
import type { NamedAgent } from "../session/ssh-flag.ts";
import type { NamedSecret } from "../session/secret-flag.ts";

/** Where a stage's files can come from besides the Dockerfile: `--build-context NAME=…`. */
export type NamedContext =
  | { readonly kind: "directory"; readonly name: string; readonly path: string }
  | { readonly kind: "remote"; readonly name: string; readonly url: string }
  | { readonly kind: "image"; readonly name: string; readonly reference: string }
  | { readonly kind: "oci-layout"; readonly name: string; readonly path: string; readonly tag: string | undefined; readonly digest: string | undefined };
import type { CachePlan } from "./plan-cache.ts";
import type { PolicyPlan } from "./plan-policies.ts";
import type { StepAttributes } from "./plan-steps.ts";

/** What becomes of a secret in what is published: it is masked, the build is refused, or nothing. */
export type SecretsInEvidence = "redact" | "refuse" | "allow";

/** What COPY and ADD read from. */
export type PlannedContext =
  /** `path` is absolute. */
  | { readonly kind: "directory"; readonly path: string }
  /** A Git repository, or a web address of an archive or a Dockerfile. */
  | { readonly kind: "remote"; readonly url: string }
  | { readonly kind: "archive"; readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly kind: "empty" };

/** The Dockerfile: directory and name apart, since the frontend looks for NAME.dockerignore beside it. */
export type PlannedDockerfile =
  | { readonly kind: "file"; readonly directory: string; readonly name: string }
  | { readonly kind: "text"; readonly text: Uint8Array }
  /** At a web address, apart from the context. */
  | { readonly kind: "remote"; readonly url: string }
  /** In a context that is not a directory here. */
  | { readonly kind: "in-context"; readonly name: string };

/** What one build does: nothing absent, nothing contradictory. */
export interface BuildPlan {
  readonly context: PlannedContext;
  readonly dockerfile: PlannedDockerfile;
  readonly target: string | undefined;
  readonly buildArgs: ReadonlyMap<string, string>;
  readonly labels: ReadonlyMap<string, string>;
  readonly namedContexts: readonly NamedContext[];
  /** Empty: the platform of this machine, and no platform named in the request. */
  readonly platforms: readonly Platform[];
  readonly steps: StepAttributes;
  readonly pull: boolean;
  readonly network: "default" | "none" | "host";
  /** Steps reach the network through our proxy only, and what they fetch is captured. */
  readonly proxyNetwork: boolean;
  /** What steps may do beyond what any may. */
  readonly allowed: Entitlements;
  readonly secrets: readonly NamedSecret[];
  readonly agents: readonly NamedAgent[];
  /** Nobody said where the result is to go. */
  readonly isWithoutOutput: boolean;
  /** Never empty: a build without a destination has `cacheonly`. */
  readonly exports: readonly [ExportTarget, ...ExportTarget[]];
  /** Undefined: no provenance. */
  readonly provenance: ProvenancePlan | undefined;
  /** What turned it off, as it was given. */
  readonly provenanceOff: string | undefined;
  /** True: a provenance of `mode=min` is followed by the map from layers to lines. */
  readonly lineMap: boolean;
  /** Undefined: no SBOM. */
  readonly sbom: SbomPlan | undefined;
  /** `changed`: a record that differs from an earlier one only in ids and times is not written anew. */
  readonly attestRun: "always" | "changed";
  /** Undefined: where the machine has it. */
  readonly provenanceEnvDir: string | undefined;
  /** Built twice, and published only where both builds gave the same bytes. */
  readonly reproducible: boolean;
  readonly cache: CachePlan;
  readonly policies: PolicyPlan;
  readonly secretsInEvidence: SecretsInEvidence;
  /** Whether the values of build arguments stand in the image's history. */
  readonly historyArgs: "keep" | "drop";
  /** Operations at a time. */
  readonly parallelism: number;
}
