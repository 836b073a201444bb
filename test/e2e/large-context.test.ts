import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { after, test } from "node:test";
import { openPlace } from "./command.ts";

const DIRECTORIES = 21;
const FILES_EACH = 100;
/** A file has to lie for two seconds before what is known of it is kept. */
const BUILDS_MAX = 30;

const place = await openPlace();
after(() => place[Symbol.asyncDispose]());
const [root, context] = [join(place.path, "state"), join(place.path, "context")];

/** The image's config digest. */
async function build(): Promise<string> {
  const iidfile = join(place.path, "iid");
  const { exitCode, stderr } = await place.stemma(["build", "--root", root, "--build-arg", "SOURCE_DATE_EPOCH=1", "--iidfile", iidfile, "-o", `type=oci,dest=${join(place.path, "image.tar")}`, context]);
  assert.equal(exitCode, 0, stderr);
  return readFileSync(iidfile, "utf8");
}

function sightsKept(): number {
  using database = new DatabaseSync(join(root, "state.db"), { readOnly: true });
  return Number(database.prepare("SELECT count(*) AS n FROM facts WHERE kind = 'local-sight'").get()?.["n"]);
}

test("a large context that was looked at ahead is as it is, whatever was done to it", async () => {
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY . /\n");
  await writeFile(join(context, ".dockerignore"), "Dockerfile\n.dockerignore\n");
  for (let at = 0; at < DIRECTORIES; at += 1) {
    await mkdir(join(context, `d${at}`));
    await Promise.all(Array.from({ length: FILES_EACH }, (_, file) => writeFile(join(context, `d${at}/f${file}`), `${at} ${file}`)));
  }
  const file = join(context, "d7/f7");
  await utimes(file, 1000, 1000);
  const first = await build();
  for (let builds = 0; sightsKept() === 0; builds += 1) {
    assert.ok(builds < BUILDS_MAX, "nothing is kept of what was seen");
    assert.equal(await build(), first);
  }
  assert.equal(readdirSync(join(root, "walks")).length, 1);
  assert.equal(await build(), first, "spared");
  await writeFile(file, "7 8");
  await utimes(file, 1000, 1000);
  const other = await build();
  assert.notEqual(other, first, "other bytes under the same size and time");
  await writeFile(join(context, "d7/more"), "");
  assert.notEqual(await build(), other, "one file more");
  await rm(join(context, "d7/more"));
  await writeFile(join(context, ".dockerignore"), "Dockerfile\n.dockerignore\nd8\n");
  assert.notEqual(await build(), other, "another selection");
});
