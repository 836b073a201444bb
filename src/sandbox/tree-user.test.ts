import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveUser } from "./tree-user.ts";

const passwd = "root:x:0:0:root:/root:/bin/ash\n\n  bin:x:1:1:bin:/bin:/sbin/nologin\nweb:x:100:101::/srv\nshort:x:7\nweb:x:900:901::/never\n";
const group = "root:x:0:root\n# web:x:9:web\nbin:x:1:root,bin\nwww:x:101:\nlogs:x:200:web,bin\n";
const files = { passwd, group };

test("the first account of a name counts, with the groups that list it", () => {
  assert.deepEqual(resolveUser("web", files), { uid: 100, gid: 101, groups: [101, 200], home: "/srv" });
  assert.deepEqual(resolveUser("100", files), { uid: 100, gid: 101, groups: [101, 200], home: "/srv" });
});

test("an explicit group takes the place of all others", () => {
  assert.deepEqual(resolveUser("web:logs", files), { uid: 100, gid: 200, groups: [200], home: "/srv" });
  assert.deepEqual(resolveUser("web:5", files), { uid: 100, gid: 5, groups: [5], home: "/srv" });
});

test("no user is root with root's groups, and root:root needs no files", () => {
  assert.deepEqual(resolveUser("", files), { uid: 0, gid: 0, groups: [0, 1], home: "/root" });
  assert.deepEqual(resolveUser("", { passwd: undefined, group: undefined }), { uid: 0, gid: 0, groups: [0], home: "/" });
  assert.deepEqual(resolveUser("root:root", { passwd: undefined, group: undefined }), { uid: 0, gid: 0, groups: [0], home: "/" });
});

test("a number without an account is taken with group 0", () => {
  assert.deepEqual(resolveUser("4711", files), { uid: 4711, gid: 0, groups: [0], home: "/" });
});

test("missing fields count as nothing", () => {
  assert.deepEqual(resolveUser("short", files), { uid: 7, gid: 0, groups: [0], home: "/" });
});

test("names that are not there are errors in BuildKit's words", () => {
  assert.throws(() => resolveUser("nobody", files), { message: "unable to find user nobody: no matching entries in passwd file", code: "user" });
  assert.throws(() => resolveUser("root", { passwd: undefined, group }), { message: "unable to find user root: no matching entries in passwd file" });
  assert.throws(() => resolveUser("web:nogroup", files), { message: "unable to find group nogroup: no matching entries in group file" });
  assert.throws(() => resolveUser("4294967296", files), { message: "uids and gids must be in range 0-2147483647" });
});
