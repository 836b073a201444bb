/**
 * Loaded before every test file by tools/run-test-files.ts, where tools/test.ts has made a package: what a test runs in its own process
 * starts our programs out of it, as the command does, and what an e2e test takes from a door comes out of it, as users get it.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { preferProgramsOf } from "../src/host/own-program.ts";

const DOORS: string = new URL("../src/doors/", import.meta.url).href;
const E2E: string = new URL("e2e/", import.meta.url).href;

const { STEMMA_TEST_PACKAGE: packed } = process.env;
if (packed !== undefined) {
  preferProgramsOf(join(packed, "dist"));
  takeDoorsOf(packed);
}

/** From the sources, a door loads hundreds of modules. */
function takeDoorsOf(folder: string): void {
  const doors = pathToFileURL(join(folder, "dist/doors/")).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (context.parentURL?.startsWith(E2E) !== true || !resolved.url.startsWith(DOORS)) return resolved;
      return { ...resolved, url: `${doors}${resolved.url.slice(DOORS.length).replace(/\.ts$/, ".js")}`, format: "module" };
    },
  });
}
