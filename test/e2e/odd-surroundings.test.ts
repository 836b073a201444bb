import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPlace, type Place } from "./command.ts";
import { assertNoWorkLeft } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

let place: Place;
let context: string;
let root: string;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "context", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

for (const sandbox of ["runc", "crun", "namespaces"] as const) {
  const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
  test(`state below a directory of any name serves a RUN in ${sandbox}`, { skip: runSkip === false ? missing : runSkip }, async () => {
    const odd = join(place.path, `${sandbox} a:b,c\\d%s "e" $(f)`, "state");
    const { exitCode, stderr } = await place.stemmaHere(["build", "--root", odd, "--sandbox", sandbox, "-f", "-", context], {
      input: `${BASE}RUN echo made > /made\nRUN --mount=type=cache,target=/c cat /made > /c/made\n`,
    });
    assert.equal(exitCode, 0, stderr);
    assertNoWorkLeft(odd);
  });
}

test("a working directory that is gone is told, and not missed by what needs none", async () => {
  const wrapper = ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && "$@"', "sh"];
  const { exitCode, stdout, stderr } = await place.stemma(["build", "--root", root, context], { wrapper });
  assert.deepEqual([exitCode, stdout, stderr], [66, "", "ERROR: the working directory is not there any more: change to another one\n"]);
  assert.equal((await place.stemma(["--version"], { wrapper })).exitCode, 0);
});

test("a Dockerfile may be what another command writes", async () => {
  const { exitCode, stdout, stderr } = await place.stemma(["build", "--root", root, "-o", "-", context], { wrapper: ["bash", "-c", '"$@" -f <(echo FROM scratch; echo COPY a /piped) | tar -t', "bash"] });
  assert.deepEqual([exitCode, stdout], [0, "piped\n"], stderr);
});

test("a standard output without room is told as that", async () => {
  const { exitCode, stderr } = await place.stemma(["build", "--root", root, "-o", "-", context], { wrapper: ["sh", "-c", '"$@" >/dev/full', "sh"] });
  assert.deepEqual([exitCode, stderr.trimEnd().split("\n").at(-1)], [74, "ERROR: standard output: ENOSPC: no space left on device, write"]);
});
