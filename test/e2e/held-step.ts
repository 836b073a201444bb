/** A step that runs until it is told to end, however long that takes: what it tells and is told goes through a cache mount. */
import { globSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Prints `begun`. Needs a shell in the image. */
export const HELD_STEP = "RUN --mount=type=cache,id=held,target=/held touch /held/begun && echo begun && until [ -e /held/released ]; do sleep 0.05; done";

/** Of a build over this state root that has shown `begun`. */
export function releaseHeldStep(root: string): void {
  const [begun] = globSync("**/begun", { cwd: root });
  if (begun === undefined) throw new Error(`no step is held in ${root}`);
  writeFileSync(join(root, dirname(begun), "released"), "");
}
