import { matchesPlatform } from "../oci/platform-match.ts";
import type { Platform } from "../oci/platform.ts";
import type { RunsPrograms } from "./runs-programs.ts";
import { ARCHITECTURES } from "./smallest-program.ts";

/** Those whose programs are not the machine's own and start all the same, each tried. */
export async function emulatedArchitectures(machine: Platform, runs: RunsPrograms): Promise<readonly string[]> {
  const foreign = ARCHITECTURES.filter((architecture) => !matchesPlatform(machine, { os: machine.os, architecture }));
  const tried = await Promise.all(foreign.map(async (architecture) => ({ architecture, starts: await runs(architecture) })));
  return tried.filter(({ starts }) => starts).map(({ architecture }) => architecture);
}
