import type { Measured } from "./probe-reading.ts";
import type { Contestant } from "./table.ts";

export interface PreparedCase extends AsyncDisposable {
  /** What must not be measured: a fresh registry, a cleared store. */
  before(contestant: Contestant): Promise<void>;
  /** Who takes part. A number is the time that it took of itself; undefined for the whole of the call. */
  readonly run: Readonly<Partial<Record<Contestant, () => Promise<number | void>>>>;
  /** What the probe said of Stemma's runs; nothing where there is none. */
  readonly measured: readonly Measured[];
}
