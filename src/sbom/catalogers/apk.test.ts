import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { treeOfTexts } from "../../testing/scan-trees.ts";
import { declaredLicense } from "../license.ts";
import { purlOf } from "../purl.ts";
import { scanTree } from "../scan.ts";
import { apk } from "./apk.ts";

const never = new AbortController().signal;

const LIBC = "libc", SHELL = "shell", ACCOUNTS = "root:x:0:0\n";
const INSTALLED = `C:Q1hvkZxk0sV6QhJxu1mVQX8Wu9Hlo=
P:alpine-baselayout
V:3.4.3-r1
A:x86_64
S:8911
I:331776
T:Alpine base dir structure and init scripts
U:https://git.alpinelinux.org/cgit/aports/tree/main/alpine-baselayout
L:GPL-2.0-only
o:alpine-baselayout
m:Natanael Copa <ncopa@alpinelinux.org>
t:1683642107
c:65502ca9379dd29d1ac4b0bf0dcf03a3dd1b324a
D:/bin/sh
F:etc
R:passwd
Z:${q1(ACCOUNTS)}
F:etc/apk
M:0:0:755
F:dev

C:Q1aR6wkGRCBN0DKQkBUdZRrNeHKKg=
P:busybox
V:1.36.1-r2
A:x86_64
L:GPL-2.0-only
o:busybox
m:Sören Tempel <soeren+alpine@soeren-tempel.net>
D:so:libc.musl-x86_64.so.1 !musl-utils
p:/bin/sh cmd:busybox=1.36.1-r2 cmd:sh=1.36.1-r2
F:bin
R:busybox
a:0:0:755
Z:${q1(SHELL)}
R:sh

C:Q1nKe8yhoFjtnjwS9YBcMDqcTgH2g=
P:musl-utils
V:1.2.4-r0
A:x86_64
L:MIT AND BSD-2-Clause AND GPL-2.0-or-later
o:musl
D:scanelf so:libc.musl-x86_64.so.1
F:usr/bin
R:getconf
Z:${q1("getconf")}

C:Q1CEs1PpS6BnDVzHXn4BgqTQdXYCI=
P:musl
V:1.2.4-r0
A:x86_64
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
Z:${q1(LIBC)}

`;
const SYSTEM = {
  "etc/os-release": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.18.0\nPRETTY_NAME="Alpine Linux v3.18"\n',
  "etc/passwd": `${ACCOUNTS}app:x:1:1\n`,
  "bin/busybox": SHELL, "bin/sh": "-> /bin/busybox", "usr/bin/getconf": "getconf",
};

test("finds what apk installed, with its files, licences, source and dependencies", async () => {
  const { packages, warnings } = await scanTree(treeOfTexts({ ...SYSTEM, "lib/apk/db/installed": INSTALLED, "lib/ld-musl-x86_64.so.1": LIBC }), [apk], never);
  assert.deepEqual(warnings, []);
  assert.deepEqual(packages.map((one) => [purlOf(one), one.files]), [
    ["pkg:apk/alpine/alpine-baselayout@3.4.3-r1?arch=x86_64&distro=alpine-3.18.0", ["etc/passwd"]],
    ["pkg:apk/alpine/busybox@1.36.1-r2?arch=x86_64&distro=alpine-3.18.0", ["bin/busybox"]],
    ["pkg:apk/alpine/musl-utils@1.2.4-r0?arch=x86_64&distro=alpine-3.18.0&upstream=musl", ["usr/bin/getconf"]],
    ["pkg:apk/alpine/musl@1.2.4-r0?arch=x86_64&distro=alpine-3.18.0", ["lib/ld-musl-x86_64.so.1"]],
  ]);
  const [layout, busybox, tools, musl] = packages;
  assert.deepEqual([layout, busybox, tools, musl].map((one) => one?.dependencies), [[busybox, undefined], [musl, undefined], [musl, undefined], []].map((needed) => needed.filter((one) => one !== undefined).map(purlOf)));
  assert.deepEqual([layout?.supplier, layout?.homepage], ["Natanael Copa <ncopa@alpinelinux.org>", "https://git.alpinelinux.org/cgit/aports/tree/main/alpine-baselayout"]);
  assert.equal(declaredLicense(tools?.licenses ?? [])?.expression, "MIT AND BSD-2-Clause AND GPL-2.0-or-later");
});

test("takes for what brought a package a file that still is as it came, and the data base where it has no file", async () => {
  const tree = { ...SYSTEM, "lib/apk/db/installed": INSTALLED.replace("R:ld-musl-x86_64.so.1", "R:absent").replace("F:etc\nR:passwd", `F:etc\nR:passwd\nZ:${q1(ACCOUNTS)}\nR:motd`).replace(/(R:motd\nZ:)\S+/, `$1${q1("welcome")}`), "etc/motd": "welcome" };
  const { packages } = await scanTree(treeOfTexts(tree), [apk], never);
  assert.deepEqual(packages.map(({ name, broughtBy }) => [name, broughtBy]), [
    // A later step added an account: that layer did not bring the package.
    ["alpine-baselayout", "etc/motd"], ["busybox", "bin/busybox"], ["musl-utils", "usr/bin/getconf"], ["musl", "lib/apk/db/installed"],
  ]);
});

test("reads the data base of a tree with merged directories once, and finds the files where they lie", async () => {
  const merged = { ...SYSTEM, "lib": "-> usr/lib", "usr/lib/apk/db/installed": INSTALLED, "usr/lib/ld-musl-x86_64.so.1": LIBC };
  const { packages } = await scanTree(treeOfTexts(merged), [apk], never);
  assert.equal(packages.length, 4);
  assert.deepEqual(packages.at(-1)?.files, ["usr/lib/ld-musl-x86_64.so.1"]);
  assert.deepEqual(packages.at(-1)?.evidence, ["usr/lib/apk/db/installed"]);
});

test("a data base that is none gives a warning and no package", async () => {
  const { packages, warnings } = await scanTree(treeOfTexts({ "lib/apk/db/installed": "V:1\nA:x86_64\n" }), [apk], never);
  assert.deepEqual([packages, warnings], [[], ["lib/apk/db/installed: a record without a name (P:) of its package"]]);
});

function q1(content: string): string {
  return `Q1${createHash("sha1").update(content).digest("base64")}`;
}
