import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type CommandRun } from "./command.ts";

const DOCKERFILE = "FROM scratch\nARG X=1\nENV a b\n";

async function call(...flags: readonly string[]): Promise<CommandRun> {
  await using place = await openPlace();
  const context = join(place.path, "context");
  await mkdir(context);
  await writeFile(join(context, "Dockerfile"), DOCKERFILE);
  return await place.stemmaHere(["build", "--root", join(place.path, "state"), "--progress=plain", ...flags, context]);
}

test("an outline tells on standard error what is wrong with the Dockerfile, and nothing of it fails", { timeout: 60_000 }, async () => {
  const { stdout, stderr, exitCode } = await call("--call=outline");
  assert.equal(stdout, "BUILD ARG   VALUE   DESCRIPTION\nX           1       \n\n");
  assert.ok(stderr.endsWith('\n 1 warning found (use docker --debug to expand):\n - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 3)\n'), stderr);
  assert.equal(exitCode, 0);
});

test("a list of targets looks at no more than the stages", { timeout: 60_000 }, async () => {
  const { stderr, exitCode } = await call("--call=targets,format=json");
  assert.doesNotMatch(stderr, /warning/);
  assert.equal(exitCode, 0);
});

test("with --debug, a warning comes with its reason, its document and its line", { timeout: 60_000 }, async () => {
  const { stderr } = await call("-D", "--call=outline");
  const [, block = ""] = stderr.split("\n 1 warning found:\n");
  assert.equal(block, ` - LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 3)
Legacy key/value format with whitespace separator should not be used
More info: https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
Dockerfile:3
--------------------
   1 |     FROM scratch
   2 |     ARG X=1
   3 | >>> ENV a b
   4 |     
--------------------

`);
});
