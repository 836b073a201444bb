import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openPlace, type CommandRun } from "./command.ts";

test("what a place has started, and a test that failed did not wait for, ends with the place", { timeout: 60_000 }, async () => {
  const place = await openPlace();
  const started = place.start([], { wrapper: ["/bin/sh", "-c", "exec sleep 600", "sh"] });
  const run = place.run(["sleep", "600"]);
  run.catch(() => undefined);
  await place[Symbol.asyncDispose]();
  assert.equal((await started.ended).exitCode, 128 + constants.signals.SIGKILL);
  await assert.rejects(run, /the test's place is gone/);
});

test("what is run in this process says and exits with what a process of its own does", { timeout: 120_000 }, async () => {
  await using place = await openPlace();
  const build = ["build", "--root", join(place.path, "state"), "--provenance=false", "-f", "-"];
  await mkdir(join(place.path, "context"));
  const rows: ReadonlyArray<readonly [args: readonly string[], status: number, input?: string]> = [
    [[], 64], [["--version"], 0], [["frobnicate"], 64], [["build", "--nope", "."], 64], [["build", "absent"], 66], [["login", "--password-stdin", "-u", "somebody", "127.0.0.1:1"], 75, "password\n"],
    [["check", "-f", "-"], 1, "FROM scratch\n"], [[...build, "--progress=plain", "context"], 65, "FROM scratch\nRUNN x\n"], [[...build, "-q", "-o", "-", "context"], 0, 'FROM scratch\nCOPY <<"END" /a\ntext\nEND\n'],
  ];
  for (const [args, status, input = ""] of rows) {
    const own = await place.stemma(args, { input });
    assert.equal(own.exitCode, status, own.stderr);
    assert.deepEqual(withoutTimes(await place.stemmaHere(args, { input })), withoutTimes(own));
  }
});

/** Which differ from run to run, and are not told of what took none. */
function withoutTimes({ exitCode, stdout, stderr }: CommandRun): readonly unknown[] {
  return [exitCode, stdout, stderr.replaceAll(/ \d+\.\ds/g, "")];
}
