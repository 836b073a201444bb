import assert from "node:assert/strict";
import { mkdtempDisposableSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FileLeases, isHeld, unlessHeld } from "./file-leases.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-leases-"));
after(() => scratch.remove());
let files = 0;

function file(): string {
  const path = join(scratch.path, String(files++));
  writeFileSync(path, "x");
  return path;
}

const taken = async (path: string): Promise<boolean> => (await unlessHeld(path, async () => {
  rmSync(path);
  return true;
})) ?? false;

test("what is held is not taken away, before all who hold it are done", async () => {
  const path = file();
  const [one, two] = [new FileLeases(), new FileLeases()];
  assert.ok(one.hold(path) && two.hold(path) && one.hold(path));
  assert.ok(isHeld(path));
  one[Symbol.dispose]();
  assert.equal(await taken(path), false);
  two.release(path);
  assert.ok(!isHeld(path));
  assert.equal(await taken(path), true);
  assert.equal(await taken(path), false, "it is gone");
});

test("nothing holds what is not there, or is just being taken away", async () => {
  using leases = new FileLeases();
  const path = file();
  await unlessHeld(path, async () => {
    assert.equal(leases.hold(path), false);
    rmSync(path);
  });
  assert.equal(leases.hold(path), false);
  writeFileSync(path, "another");
  assert.equal(leases.hold(path), true);
});

test("what was held and replaced is held anew", async () => {
  using leases = new FileLeases();
  const path = file();
  leases.hold(path);
  renameSync(file(), path);
  assert.equal(isHeld(path), false, "the other file is nobody's");
  assert.ok(leases.hold(path));
  assert.equal(await taken(path), false);
});

test("a name that is given to what is held holds it", async () => {
  using leases = new FileLeases();
  const [from, to] = [file(), join(scratch.path, "named")];
  leases.hold(from);
  renameSync(from, to);
  leases.moved(from, to);
  assert.equal(await taken(to), false);
  leases.release(to);
  assert.equal(await taken(to), true);
});
