import assert from "node:assert/strict";
import { closeSync, lstatSync, mkdtempDisposableSync, openSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runProcess } from "../host/process.ts";
import { tryLock } from "./lock.ts";
import { SystemCallError } from "./native-function.ts";
import { deviceNumber, deviceOf, makeNode } from "./node.ts";
import { setFileTimes, setTimes } from "./times.ts";
import { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.ts";

const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-syscall-"));
after(() => scratch.remove());
const isRoot = process.getuid?.() === 0;
const path = (name: string): string => join(scratch.path, name);

test("an extended attribute keeps its bytes, and is gone once removed", () => {
  writeFileSync(path("attributed"), "");
  setXattr(path("attributed"), "user.binary", Buffer.of(0, 0x80, 0xff, 0));
  setXattr(path("attributed"), "user.empty", Buffer.alloc(0));
  assert.deepEqual(getXattr(path("attributed"), "user.binary"), Buffer.of(0, 0x80, 0xff, 0));
  assert.deepEqual(getXattr(path("attributed"), "user.empty"), Buffer.alloc(0));
  assert.deepEqual([...listXattrs(path("attributed"))].filter((name) => name.startsWith("user.")).toSorted(), ["user.binary", "user.empty"]);
  removeXattr(path("attributed"), "user.binary");
  removeXattr(path("attributed"), "user.binary");
  assert.equal(getXattr(path("attributed"), "user.binary"), undefined);
});

test("attributes and times of a symbolic link are its own", { skip: isRoot ? false : "trusted attributes need root" }, () => {
  symlinkSync("nowhere", path("link"));
  setXattr(path("link"), "trusted.note", Buffer.from("mine"));
  setTimes(path("link"), 1_234_567_890_123_456_789n);
  assert.equal(getXattr(path("link"), "trusted.note")?.toString(), "mine");
  assert.equal(lstatSync(path("link"), { bigint: true }).mtimeNs, 1_234_567_890_123_456_789n);
});

test("times keep their nanoseconds, before 1970 too", () => {
  writeFileSync(path("dated"), "");
  for (const ns of [0n, 1n, 1_700_000_000_000_000_001n, -1n, -1_500_000_000n]) {
    setTimes(path("dated"), ns);
    assert.equal(lstatSync(path("dated"), { bigint: true }).mtimeNs, ns);
  }
  const fd = openSync(path("dated"), "r+");
  setFileTimes(fd, 42_000_000_007n);
  closeSync(fd);
  assert.equal(lstatSync(path("dated"), { bigint: true }).mtimeNs, 42_000_000_007n);
});

test("a path that is no UTF-8 is taken as bytes", () => {
  const bytes = Buffer.concat([Buffer.from(path("bad-")), Buffer.of(0xff)]);
  writeFileSync(bytes, "");
  setXattr(bytes, "user.a", Buffer.from("b"));
  setTimes(bytes, 5n);
  assert.equal(lstatSync(bytes, { bigint: true }).mtimeNs, 5n);
  assert.equal(getXattr(bytes, "user.a")?.toString(), "b");
});

test("makes devices, whiteouts and fifos", { skip: isRoot ? false : "devices need root" }, () => {
  makeNode(path("null"), { kind: "char", mode: 0o666, major: 1, minor: 3 });
  makeNode(path("whiteout"), { kind: "char", mode: 0, major: 0, minor: 0 });
  makeNode(path("disk"), { kind: "block", mode: 0o600, major: 259, minor: 70_000 });
  makeNode(path("fifo"), { kind: "fifo", mode: 0o600, major: 0, minor: 0 });
  assert.deepEqual(deviceOf(lstatSync(path("null"), { bigint: true }).rdev), { major: 1, minor: 3 });
  assert.equal(lstatSync(path("whiteout")).rdev, 0);
  assert.ok(lstatSync(path("whiteout")).isCharacterDevice());
  assert.deepEqual(deviceOf(lstatSync(path("disk"), { bigint: true }).rdev), { major: 259, minor: 70_000 });
  assert.ok(lstatSync(path("disk")).isBlockDevice());
  assert.ok(lstatSync(path("fifo")).isFIFO());
  assert.equal(deviceNumber(259, 70_000), lstatSync(path("disk")).rdev);
});

test("a refused call names itself, its subject and the system's error", () => {
  assert.throws(() => setTimes(path("missing"), 0n), (error) => error instanceof SystemCallError && error.code === "ENOENT" && error.message.includes("missing"));
});

test("a lock is held until its file is closed, whoever asks", () => {
  writeFileSync(path("lock"), "");
  const [first, second] = [openSync(path("lock"), "r"), openSync(path("lock"), "r")];
  assert.ok(tryLock(first, "exclusive"));
  assert.ok(!tryLock(second, "shared"));
  closeSync(first);
  assert.ok(tryLock(second, "shared"));
  closeSync(second);
});

test("nothing native is loaded before it is called", async () => {
  const program = `import "${join(import.meta.dirname, "xattr.ts")}"; import { readFileSync } from "node:fs"; process.stdout.write(String(readFileSync("/proc/self/maps", "utf8").includes("koffi")))`;
  const result = await runProcess({ argv: [process.execPath, "--input-type=module", "-e", program], env: {} }, new AbortController().signal);
  assert.equal(result.stdout.toString(), "false");
  getXattr(scratch.path, "user.none");
  assert.ok(readFileSync("/proc/self/maps", "utf8").includes("koffi"));
});
