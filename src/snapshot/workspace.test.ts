import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempDisposableSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemClock } from "../host/clock.ts";
import { Durability } from "./durability.ts";
import type { LayerId } from "./layer.ts";
import { Workspace } from "./workspace.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-workspace-"));
after(() => scratch.remove());

test("a directory is ours until we give it back, and nobody else's sweep takes it", async () => {
  const root = join(scratch.path, "living");
  const one = new Workspace(root);
  const claimed = one.claim();
  writeFileSync(join(claimed, "f"), "");
  await new Workspace(root)[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(claimed), ["f"]);
  await one.discard(claimed);
  await one[Symbol.asyncDispose]();
  assert.deepEqual([readdirSync(join(root, "incoming")), readdirSync(join(root, "locks"))], [[], []]);
});

test("what a dead process left is taken away, with or without its lock", async () => {
  const root = join(scratch.path, "dead");
  const program = `
    import { Workspace } from ${JSON.stringify(join(import.meta.dirname, "workspace.ts"))};
    new Workspace(${JSON.stringify(root)}).claim();
    process.kill(process.pid, "SIGKILL");`;
  spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  mkdirSync(join(root, "incoming/someone.0"));
  assert.deepEqual([readdirSync(join(root, "incoming")).length, readdirSync(join(root, "locks")).length], [2, 1]);
  await new Workspace(root)[Symbol.asyncDispose]();
  assert.deepEqual([readdirSync(join(root, "incoming")), readdirSync(join(root, "locks"))], [[], []]);
});

test("marks of this boot go once the disk has what they mark, and not before it is time", async () => {
  const root = join(scratch.path, "marks");
  const durability = new Durability(root, systemClock);
  durability.mark("young" as LayerId);
  durability.mark("old" as LayerId);
  const old = readdirSync(join(root, "unsynced")).find((name) => name.startsWith("old"));
  assert.ok(old !== undefined);
  utimesSync(join(root, "unsynced", old), 1, 1);
  await new Durability(root, systemClock)[Symbol.asyncDispose]();
  assert.deepEqual(readdirSync(join(root, "unsynced")).map((name) => name.split("@")[0]), ["young"]);
});
