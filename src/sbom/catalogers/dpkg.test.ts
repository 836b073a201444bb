import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempDisposableSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { purlOf } from "../purl.ts";
import { scanTree, type ScanResult } from "../scan.ts";
import { treeOf, type ScanTree } from "../scan-tree.ts";
import { dpkg } from "./dpkg.ts";

const never = new AbortController().signal;
const NO_DPKG = existsSync("/usr/bin/dpkg-deb") ? false : "no dpkg on this machine";
const BOOKWORM = 'ID=debian\nVERSION_ID="12"\n';

test("finds what dpkg installed, with the files where they really lie", { skip: NO_DPKG }, async () => {
  using root = installed({
    "libtiny1 Multi-Arch:same": {
      control: "Source: tiny (1:1.0-2)\nMaintainer: Tiny Team <team@lists.example.org>\nHomepage: https://tiny.example.org/",
      files: { "lib/libtiny.so.1": "code", "usr/share/doc/libtiny1/copyright": "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: MIT\n" },
    },
    tiny: { control: "Depends: libtiny1 (>= 1) | libbig1, libabsent1\nPre-Depends: tiny-shell", files: { "usr/bin/tiny": "run" } },
    tsh: { control: "Provides: tiny-shell (= 2)", files: { "usr/bin/tsh": "run" } },
  });
  const found = await scan(treeOfDirectory(root.path));
  assert.deepEqual(found.warnings, []);
  assert.deepEqual(found.packages.map(purlOf), [
    "pkg:deb/debian/libtiny1@1:1.0-2%2Bb1?arch=amd64&distro=debian-12&upstream=tiny%401:1.0-2",
    "pkg:deb/debian/tiny@1:1.0-2%2Bb1?arch=amd64&distro=debian-12",
    "pkg:deb/debian/tsh@1:1.0-2%2Bb1?arch=amd64&distro=debian-12",
  ]);
  const [library, tiny, shell] = found.packages;
  // The archive says lib/; in a tree with merged directories that is usr/lib/.
  assert.deepEqual(library?.files, ["usr/lib/libtiny.so.1", "usr/share/doc/libtiny1/copyright"]);
  assert.deepEqual([library.supplier, library.homepage, library.licenses], ["Tiny Team <team@lists.example.org>", "https://tiny.example.org/", ["MIT"]]);
  assert.equal(library.broughtBy, "var/lib/dpkg/info/libtiny1:amd64.list");
  assert.deepEqual(library.evidence, ["var/lib/dpkg/status", library.broughtBy, "usr/share/doc/libtiny1/copyright"]);
  assert.deepEqual(tiny?.dependencies, [shell, library].map((one) => (one === undefined ? "" : purlOf(one))));
});

test("a link that a package installed is not the file it points to", { skip: NO_DPKG }, async () => {
  using root = installed({
    "libtiny1": { control: "", files: { "usr/lib/libtiny.so.1": "code" } },
    "libtiny-dev": { control: "", files: { "usr/include/tiny.h": "int tiny(void);", "usr/lib/libtiny.so": "-> libtiny.so.1" } },
  });
  const { packages } = await scan(treeOfDirectory(root.path));
  assert.deepEqual(packages.map(({ name, files }) => [name, files]), [["libtiny-dev", ["usr/include/tiny.h"]], ["libtiny1", ["usr/lib/libtiny.so.1"]]]);
});

test("a file that was diverted is found where it went, and its place belongs to who took it", { skip: NO_DPKG }, async () => {
  using root = installed({ tiny: { control: "", files: { "usr/bin/tiny": "run" } } });
  run("dpkg-divert", `--root=${root.path}`, "--package", "huge", "--rename", "--divert", "/usr/bin/tiny.distrib", "--add", "/usr/bin/tiny");
  install(root.path, "huge", { control: "", files: { "usr/bin/tiny": "another" } });
  const { packages } = await scan(treeOfDirectory(root.path));
  assert.deepEqual(packages.map(({ name, files }) => [name, files]), [["huge", ["usr/bin/tiny"]], ["tiny", ["usr/bin/tiny.distrib"]]]);
});

test("of a package that was removed, its configuration is no package", { skip: NO_DPKG }, async () => {
  using root = installed({ gone: { control: "", files: { "etc/gone.conf": "x" }, conffiles: "/etc/gone.conf" }, kept: { control: "", files: { "usr/bin/kept": "x" } } });
  run("dpkg", ...QUIET, `--root=${root.path}`, "--remove", "gone");
  const tree = treeOfDirectory(root.path);
  assert.ok(tree.files.has("etc/gone.conf"));
  assert.deepEqual((await scan(tree)).packages.map(({ name }) => name), ["kept"]);
});

test("finds exactly what dpkg-query tells of this machine", { skip: existsSync("/var/lib/dpkg/status") ? NO_DPKG : "no data base of dpkg" }, async () => {
  const [database, documents] = [treeOfDirectory("/var/lib/dpkg"), treeOfDirectory("/usr/share/doc")];
  const under = (prefix: string, tree: ScanTree) => [...tree.files.values()].map((file) => ({ ...file, path: `${prefix}/${file.path}` }));
  const tree = treeOf([...under("var/lib/dpkg", database), ...under("usr/share/doc", documents)], new Map());
  const { packages, warnings } = await scanTree(tree, [dpkg], never);
  const format = "${db:Status-Status}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n";
  const expected = run("dpkg-query", "-W", "-f", format).split("\n").filter((line) => /^(?!config-files|not-installed)\S/.test(line)).map((line) => line.split("\t").slice(1));
  const found = packages.map(({ name, version = "", qualifiers: { arch = "", upstream = "" } }) => {
    const [source = "", sourceVersion = ""] = upstream.split("@");
    return [name, version, arch, source || name, sourceVersion || version];
  });
  assert.deepEqual(warnings, []);
  assert.ok(found.length > 50);
  assert.deepEqual(new Set(found.map(String)), new Set(expected.map(String)));
  const licensed = packages.filter(({ licenses }) => licenses.length > 0);
  assert.ok(licensed.length > packages.length / 2, `${licensed.length} of ${packages.length} with licences`);
});

test("reads an image without dpkg, which has a file for each package and their checksums", async () => {
  const found = await scan(treeOfTexts({
    "etc/os-release": "-> ../usr/lib/os-release", "usr/lib/os-release": BOOKWORM,
    "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\nMaintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\nDescription: time zones\n one line\n .\n another\n",
    "var/lib/dpkg/status.d/tzdata.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/share/zoneinfo/UTC\nd41d8cd98f00b204e9800998ecf8427e  usr/share/doc/tzdata/absent\n",
    "usr/share/zoneinfo/UTC": "",
    "usr/share/doc/tzdata/copyright": "The data is in the public domain; the scripts are under /usr/share/common-licenses/GPL-2.\n",
  }));
  assert.deepEqual(found.packages.map((one) => [purlOf(one), one.files, one.broughtBy, one.licenses]), [
    ["pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all&distro=debian-12", ["usr/share/zoneinfo/UTC"], "var/lib/dpkg/status.d/tzdata", ["/usr/share/common-licenses/GPL-2"]],
  ]);
});

interface Package {
  readonly control: string;
  readonly files: Readonly<Record<string, string>>;
  readonly conffiles?: string;
}

const QUIET = ["--force-depends", "--force-not-root", "--force-bad-path", "--log=/dev/null", "--no-triggers"];

/** A system of merged directories with these packages, installed by dpkg. */
function installed(packages: Readonly<Record<string, Package>>) {
  const root = mkdtempDisposableSync(join(tmpdir(), "stemma-dpkg-"));
  for (const path of ["usr/lib", "var/lib/dpkg/info", "var/lib/dpkg/updates", "etc"]) mkdirSync(join(root.path, path), { recursive: true });
  symlinkSync("usr/lib", join(root.path, "lib"));
  writeFileSync(join(root.path, "var/lib/dpkg/status"), "");
  writeFileSync(join(root.path, "usr/lib/os-release"), BOOKWORM);
  symlinkSync("../usr/lib/os-release", join(root.path, "etc/os-release"));
  for (const [name, one] of Object.entries(packages)) install(root.path, name, one);
  return root;
}

/** `name Field:value …` */
function install(root: string, name: string, { control, files, conffiles }: Package): void {
  using work = mkdtempDisposableSync(join(tmpdir(), "stemma-deb-"));
  const [plain = "", ...fields] = name.split(" ");
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(work.path, "tree", path)), { recursive: true });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), join(work.path, "tree", path));
    else writeFileSync(join(work.path, "tree", path), content);
  };
  const more = [...fields.map((field) => field.replace(":", ": ")), control].filter((line) => line !== "").join("\n");
  write("DEBIAN/control", `Package: ${plain}\nVersion: 1:1.0-2+b1\nArchitecture: amd64\n${/^Maintainer/m.test(more) ? "" : "Maintainer: Somebody <somebody@example.org>\n"}Description: tiny\n${more === "" ? "" : `${more}\n`}`);
  if (conffiles !== undefined) write("DEBIAN/conffiles", `${conffiles}\n`);
  for (const [path, content] of Object.entries(files)) write(path, content);
  run("dpkg-deb", "--root-owner-group", "--build", join(work.path, "tree"), join(work.path, "one.deb"));
  run("dpkg", ...QUIET, "--force-architecture", `--root=${root}`, "--install", join(work.path, "one.deb"));
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 64 * 1024 * 1024 });
}

async function scan(tree: ScanTree): Promise<ScanResult> {
  return await scanTree(tree, [dpkg], never);
}
