import assert from "node:assert/strict";
import { test } from "node:test";
import { MOUNT_FLAGS } from "../syscall/mount.ts";
import { presentFlags } from "./mount-inside.ts";

const MOUNT_INFO = [
  "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw",
  "40 22 0:30 / /a\\040b rw,nosuid,nodev - tmpfs tmpfs rw",
  "41 40 0:31 / /a\\040b rw,noexec,relatime - tmpfs tmpfs rw",
].join("\n");

test("the flags of the topmost mount at a path are read, with blanks in the path", () => {
  assert.equal(presentFlags(MOUNT_INFO, "/a b"), MOUNT_FLAGS.noExec | MOUNT_FLAGS.relAtime);
  assert.equal(presentFlags(MOUNT_INFO, "/nothing"), 0);
});
