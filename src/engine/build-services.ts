import type { Digest } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import type { ImageCapture } from "../provenance/capture.ts";
import type { ExecServices } from "../ops/exec.ts";
import type { FileServices } from "../ops/file-operation.ts";
import type { UsageObject } from "../sandbox/usage/usage-tree.ts";
import type { ImageUses } from "../ops/source-image.ts";
import type { GitSource } from "../source/git.ts";
import type { HttpSourceServices } from "../source/http.ts";
import type { ImageSource } from "../source/image.ts";
import type { ContainerUse } from "./bridge-container.ts";
import type { LookedAt } from "./bridge-reference.ts";
import type { LayerFetches } from "./layer-fetches.ts";
import type { LocalSources } from "./locals.ts";
import type { NetworkProxies } from "./network-proxies.ts";
import type { Pins } from "./pins.ts";
import type { SourceGate } from "./source-gate.ts";
import type { StepReporter } from "./step-reporter.ts";

/** What the vertices of one build work with. Made anew for each build, so that two builds share no credentials. */
export interface BuildServices {
  /** Of this machine, for vertices that name none. */
  readonly platform: Platform;
  readonly images: ImageSource;
  /** Images of the OCI layouts that the client lends, by the id that the graph gives them. */
  readonly layouts: (storeId: string) => ImageSource;
  /** Whether an image is there since an earlier build. */
  readonly imageUses: ImageUses;
  readonly locals: LocalSources;
  readonly git: GitSource;
  readonly http: HttpSourceServices;
  readonly exec: ExecServices;
  readonly file: FileServices;
  /** Asked about each source before it is read. */
  readonly gate: SourceGate;
  /** Undefined: steps reach the network themselves. */
  readonly proxies: NetworkProxies | undefined;
  /** What each vertex that is a source was let in as. */
  readonly admitted: Map<Digest, string>;
  readonly pins: Pins;
  /** Images that the frontend looked up, by the names that it asked with. */
  readonly resolved: ImageCapture[];
  /** Containers that frontends had. */
  readonly containers: ContainerUse[];
  /** Trees that frontends had made, and looked at or had evaluated. */
  readonly looked: LookedAt[];
  readonly steps: StepReporter;
  /** Layers that are fetched are shown with the steps that own them. */
  readonly fetches: LayerFetches;
  /** What each vertex that ran used, as far as it could be measured; undefined: nobody asked. */
  readonly usage: Map<Digest, UsageObject> | undefined;
}
