import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, test } from "node:test";
import { ownProgram, preferProgramsOf } from "./own-program.ts";

const place = mkdtempSync(join(tmpdir(), "stemma-own-program-"));
after(() => rmSync(place, { recursive: true }));

// Whatever the run of all tests prefers.
preferProgramsOf(undefined);

/** A module that asks, and the program that it is to be told. */
function installed(asking: string, program: string): { readonly url: string; readonly path: string } {
  const [url, path] = [join(place, asking), join(place, program)];
  for (const file of [url, path]) {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, "");
  }
  return { url: pathToFileURL(url).href, path };
}

test("a program of ours is found beside the sources, and from any part of a bundle", () => {
  for (const [asking, program] of [["src/namespace/open.ts", "src/namespace/holder.ts"], ["dist/chunks/chunk-1.js", "dist/namespace/holder.js"], ["flat/build.js", "flat/namespace/holder.js"]] as const) {
    const { url, path } = installed(asking, program);
    assert.equal(ownProgram(url, "namespace/holder"), path);
  }
});

test("one that is missing is told as an installation that is not complete", () => {
  const { url } = installed("broken/chunks/chunk-1.js", "broken/namespace/other.js");
  assert.throws(() => ownProgram(url, "sandbox/tree-init"), /^Error: sandbox\/tree-init\.js is missing near .*\/broken\/chunks: the installation is not complete$/);
});
