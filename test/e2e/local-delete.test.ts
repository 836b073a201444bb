import assert from "node:assert/strict";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { makeContext } from "./small-base.ts";

let place: Place;
let context: string;

before(async () => {
  place = await openPlace();
  context = await makeContext(place, "context", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a\n" });
  mkdirSync(join(place.path, "work"));
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

/** A directory that holds what no build made. */
function filled(path: string): string {
  mkdirSync(join(place.path, path), { recursive: true });
  writeFileSync(join(place.path, path, "old"), "old");
  return join(place.path, path);
}

const build = async (dest: string, ...more: readonly string[]): Promise<CommandRun> =>
  await place.stemmaHere(["build", "--provenance=false", "-o", `type=local,mode=delete,dest=${dest}`, ...more, context], { cwd: join(place.path, "work") });

test("a directory below the working one becomes what the result is", async () => {
  const out = filled("work/out");
  const { exitCode, stderr } = await build("out");
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(readdirSync(out), ["a"]);
});

test("another directory, also where a link leads there, is left alone unless that is allowed by name", async () => {
  const out = filled("elsewhere");
  symlinkSync(out, join(place.path, "work/link"));
  for (const dest of [out, "link", ".", "..", "link/below/../.."]) {
    const { exitCode, stderr } = await build(dest);
    assert.equal(exitCode, 64, stderr);
    assert.match(stderr, /is not below the working directory, .*: add --allow buildx\.local\.delete\n$/);
  }
  assert.deepEqual(readdirSync(out), ["old"]);
  const { exitCode, stderr } = await build(out, "--allow", "buildx.local.delete");
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(readdirSync(out), ["a"]);
});
