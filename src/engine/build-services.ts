import type { Platform } from "../oci/platform.ts";
import type { ExecServices } from "../ops/exec.ts";
import type { FileServices } from "../ops/file-operation.ts";
import type { LocalSelection } from "../session/session.ts";
import type { HttpSourceServices } from "../source/http.ts";
import type { ImageSource } from "../source/image.ts";
import type { LocalLayer } from "../source/local-layer.ts";
import type { Pins } from "./pins.ts";
import type { StepReporter } from "./step-reporter.ts";

/** The client's directories, each read once for one build and selection. */
export interface LocalSources {
  read(name: string, selection: LocalSelection, signal: AbortSignal): Promise<LocalLayer>;
}

/** What the vertices of one build work with. Made anew for each build, so that two builds share no credentials. */
export interface BuildServices {
  /** Of this machine, for vertices that name none. */
  readonly platform: Platform;
  readonly images: ImageSource;
  /** Images of the OCI layouts that the client lends, by the id that the graph gives them. */
  readonly layouts: (storeId: string) => ImageSource;
  readonly locals: LocalSources;
  readonly http: HttpSourceServices;
  readonly exec: ExecServices;
  readonly file: FileServices;
  readonly pins: Pins;
  readonly steps: StepReporter;
}
