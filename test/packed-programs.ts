/**
 * Loaded before every test file by tools/run-test-files.ts, where tools/test.ts has made a package: what a test runs in its own process
 * starts our programs out of it, as the command does, and what an e2e test takes from a door, or runs of the command in its own process, comes out of it, as users get it.
 */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { preferProgramsOf } from "../src/host/own-program.ts";

const SOURCES: string = new URL("../src/", import.meta.url).href;
/** What e2e tests take out of the package: its doors, and the command. */
const PACKED = /^(?:doors\/[^/]+|cli\/main)\.ts$/;
const E2E: string = new URL("e2e/", import.meta.url).href;

const { STEMMA_TEST_PACKAGE: packed } = process.env;
if (packed !== undefined) {
  preferProgramsOf(join(packed, "dist"));
  takeEntriesOf(packed);
}

/** From the sources, a door loads hundreds of modules. */
function takeEntriesOf(folder: string): void {
  const dist = pathToFileURL(join(folder, "dist/")).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const source = resolved.url.startsWith(SOURCES) ? resolved.url.slice(SOURCES.length) : "";
      if (context.parentURL?.startsWith(E2E) !== true || !PACKED.test(source)) return resolved;
      return { ...resolved, url: `${dist}${source.replace(/\.ts$/, ".js")}`, format: "module" };
    },
  });
}
