import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNothingRuns } from "./nothing-left.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

const KIB = 1024;

let place: Place;
let disk: string;

before(async () => {
  place = await openPlace();
  disk = join(place.path, "disk");
  await mkdir(disk);
  await makeContext(place, "big", { Dockerfile: "FROM scratch\nCOPY big /\n", big: crypto.getRandomValues(new Uint8Array(64 * KIB)), ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}`, "x"])) });
  await place.run(["sh", "-c", 'for i in 1 2 3 4 5 6; do cat "$1" "$1" > "$1.2"; mv "$1.2" "$1"; done', "sh", join(place.path, "big/big")]);
  await makeContext(place, "small", { Dockerfile: "FROM scratch\nCOPY a /\n", a: "a" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

/** On a disk of this size: the command with the first context, what is left of it, then the same with the second. Each ends with `status N`. */
async function onSmallDisk(sizeBytes: number, contexts: readonly [string, string], args: readonly string[]): Promise<CommandRun> {
  const script = `
    mount -t tmpfs -o size="$SIZE" tmpfs "$DISK" || exit 99
    "$@" "$FIRST"; echo "status $?"
    find "$DISK" -path '*/incoming/*' -o -path '*/locks/*'
    find "$DISK" -maxdepth 1 -type f
    "$@" "$SECOND"; echo "status $?"`;
  const env = { SIZE: String(sizeBytes), DISK: disk, FIRST: contexts[0], SECOND: contexts[1] };
  const result = await place.stemma(args, { wrapper: ["unshare", "--mount", "sh", "-c", script, "sh"], env });
  await assertNothingRuns(place.path);
  return result;
}

const contextPath = (name: string): string => join(place.path, name);

test("a disk that is full is told with what to do, wherever that shows, and once there is room the same root works", { skip: runSkip }, async () => {
  // From not even a database, over one layer too many, to one copy of it too many.
  for (const [sizeKib, second] of [[16, 74], [200, 0], [1000, 0], [3000, 0]] as const) {
    const { stdout, stderr } = await onSmallDisk(sizeKib * KIB, [contextPath("big"), contextPath("small")], ["build", "--root", join(disk, "state"), "-o", "type=tar,dest=/dev/null"]);
    assert.equal(stdout, `status 74\nstatus ${second}\n`, `${sizeKib} KiB: ${stderr}`);
    assert.match(stderr, /ERROR: failed to build: .*: the disk is full; free some space, or use another --root\n/);
    assert.doesNotMatch(stderr, /\n {4}at |bug in stemma/);
  }
});

test("a disk that fills while layers are compressed is told the same way, and nothing is pushed", { skip: runSkip }, async () => {
  const { stdout, stderr } = await onSmallDisk(4300 * KIB, [contextPath("big"), contextPath("small")], ["build", "--root", join(disk, "state"), "-o", `type=oci,dest=${join(place.path, "image.tar")},compression=uncompressed`]);
  assert.equal(stdout, "status 74\nstatus 0\n", stderr);
  assert.match(stderr, /exporting to oci image format\n(?:#\d+ exporting .*\n)*#\d+ ERROR: ENOSPC/);
});

test("a disk that is full where the output goes is told by that place, and leaves no half of a file", { skip: runSkip }, async () => {
  for (const output of ["type=tar", "type=oci", "type=oci,tar=false", "type=local"]) {
    const { stdout, stderr } = await onSmallDisk(1000 * KIB, [contextPath("big"), contextPath("small")], ["build", "--root", join(place.path, "state"), "-o", `${output},dest=${join(disk, "out")}`]);
    assert.equal(stdout, "status 74\nstatus 0\n", stderr);
    assert.match(stderr, /ERROR: failed to build: failed to solve: output to \S+\/out: ENOSPC: no space left on device, write: make room there, or choose another place\n/);
  }
});

test("a RUN that fills the disk fails as a step, and the next build works", { skip: runSkip }, async () => {
  await contextWithBase(place, "filling", { Dockerfile: `${BASE}RUN cat /dev/zero > /x\n` });
  await contextWithBase(place, "running", { Dockerfile: `${BASE}RUN echo ok > /x\n` });
  const { stdout, stderr } = await onSmallDisk(8000 * KIB, [contextPath("filling"), contextPath("running")], ["build", "--root", join(disk, "state")]);
  assert.equal(stdout, "status 67\nstatus 0\n", stderr);
  assert.match(stderr, /No space left on device/);
});
