import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { declaredLicense } from "../license.ts";
import { purlOf } from "../purl.ts";
import { scanTree, type ScanResult } from "../scan.ts";
import { treeOf, type ScanTree } from "../scan-tree.ts";
import { rpm } from "./rpm.ts";

const never = new AbortController().signal;
const NO_RPM = existsSync("/usr/bin/rpmbuild") ? false : "no rpmbuild on this machine";
const FEDORA = 'ID=fedora\nVERSION_ID=38\nPRETTY_NAME="Fedora Linux 38"\n';

/** Packages that RPM built and installed, with as many more as make its data base more than a page or two. */
const system = mkdtempDisposableSync(join(tmpdir(), "stemma-rpm-"));
after(() => system.remove());

test("finds what RPM installed, as rpm itself tells it", { skip: NO_RPM }, async () => {
  install(system.path, [
    ["libtiny", "Epoch: 2\nVendor: Tiny Project\nURL: https://tiny.example.org/\nLicense: LGPLv2+ and MIT\nProvides: libtiny.so.1", ["/usr/lib64/libtiny.so.1", "/usr/share/licenses/libtiny/COPYING"]],
    ["tiny", "License: ASL 2.0\nRequires: libtiny.so.1 /bin/tsh absent", ["/usr/bin/tiny", "%config /etc/tiny.conf", "%ghost /var/lib/tiny"]],
    ["tsh", "License: GPLv3", ["/bin/tsh"]],
    ...Array.from({ length: 40 }, (_none, index) => [`many${index}`, "License: MIT", Array.from({ length: 10 }, (_each, file) => `/usr/share/many${index}/${file}`)] as const),
  ]);
  // A file that the package owns and does not bring: something else made it.
  mkdirSync(join(system.path, "var/lib"), { recursive: true });
  writeFileSync(join(system.path, "var/lib/tiny"), "made by a service");
  const { packages, warnings } = await scan(treeOfDirectory(system.path));
  assert.deepEqual(warnings, []);
  const told = rpmCommand(system.path, "-qa", "--qf", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} %{LICENSE}\\n").trim().split("\n");
  assert.deepEqual(packages.map(({ name, version, qualifiers, licenses }) => [name, version, qualifiers["arch"], qualifiers["upstream"], ...licenses].join(" ")).toSorted(), told.toSorted());
  const [library, tiny, shell] = ["libtiny", "tiny", "tsh"].map((name) => packages.find((one) => one.name === name));
  assert.ok(library && tiny && shell);
  assert.equal(purlOf(library), "pkg:rpm/fedora/libtiny@1.0-3?arch=noarch&distro=fedora-38&epoch=2&upstream=source-1.0-3.src.rpm");
  assert.equal(purlOf(tiny), "pkg:rpm/fedora/tiny@1.0-3?arch=noarch&distro=fedora-38&upstream=source-1.0-3.src.rpm");
  assert.deepEqual(library.files, ["usr/lib64/libtiny.so.1", "usr/share/licenses/libtiny/COPYING"]);
  assert.deepEqual(tiny.files, ["etc/tiny.conf", "usr/bin/tiny"]);
  assert.deepEqual(tiny.dependencies.toSorted(), [library, shell].map(purlOf));
  assert.deepEqual([library.supplier, library.homepage], ["Tiny Project", "https://tiny.example.org/"]);
  assert.equal(declaredLicense(library.licenses)?.expression, "LGPL-2.0-or-later AND MIT");
});

test("takes for what brought a package a file that still is as it came", { skip: NO_RPM }, async () => {
  writeFileSync(join(system.path, "etc/tiny.conf"), "changed by a later step");
  const { packages } = await scan(treeOfDirectory(system.path));
  assert.equal(packages.find(({ name }) => name === "tiny")?.broughtBy, "usr/bin/tiny");
});

test("reads what RPM wrote to its log and not yet to its data base", { skip: NO_RPM }, async () => {
  const tree = treeOfDirectory(system.path);
  const before = (await scan(tree)).packages.length;
  const { DatabaseSync } = await import("node:sqlite");
  const path = join(system.path, "var/lib/rpm/rpmdb.sqlite");
  using database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; DELETE FROM Packages WHERE hnum > 3");
  assert.ok(before > 3);
  assert.equal((await scan(treeOfDirectory(system.path))).packages.length, 3);
});

test("finds the data base also where /var/lib/rpm is a link", { skip: NO_RPM }, async () => {
  const files = [...treeOfDirectory(system.path).files.values()].map((file) => ({ ...file, path: file.path.replace("var/lib/rpm/", "usr/lib/sysimage/rpm/") }));
  const { packages } = await scan(treeOf(files, new Map([["var/lib/rpm", "../../usr/lib/sysimage/rpm"]])));
  assert.equal(packages.length, 3);
  assert.deepEqual(packages[0]?.evidence, ["usr/lib/sysimage/rpm/rpmdb.sqlite"]);
});

test("says that packages of RPM's other data bases are not found, unless they were only left behind", async () => {
  const others = { "var/lib/rpm/Packages": "old", "usr/lib/sysimage/rpm/Packages.db": "RpmP" };
  assert.deepEqual((await scan(treeOfTexts(others))).warnings, [
    "usr/lib/sysimage/rpm/Packages.db: packages not found, as this data base of RPM is in the format ndb; only SQLite's is read",
    "var/lib/rpm/Packages: packages not found, as this data base of RPM is in the format Berkeley DB; only SQLite's is read",
  ]);
  const { warnings } = await scan(treeOfTexts({ "var/lib/rpm/Packages": "old", "var/lib/rpm/rpmdb.sqlite": "SQLite format 3" }));
  assert.deepEqual(warnings, ["var/lib/rpm/rpmdb.sqlite: no data base of SQLite"]);
});

test("a data base that is damaged gives a warning and no package", { skip: NO_RPM }, async () => {
  const bytes = readFileSync(join(system.path, "var/lib/rpm/rpmdb.sqlite"));
  const { packages, warnings } = await scan(treeOfTexts({ "var/lib/rpm/rpmdb.sqlite": bytes.subarray(0, 8192) }));
  assert.deepEqual(packages, []);
  assert.match(warnings.join(), /^var\/lib\/rpm\/rpmdb\.sqlite: page \d+ is not there$/);
});

/** Built as the parts of one package. Further lines of the preamble, and the lines of `%files`. */
function install(root: string, packages: ReadonlyArray<readonly [name: string, preamble: string, files: readonly string[]]>): void {
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  writeFileSync(join(root, "usr/lib/os-release"), FEDORA);
  using work = mkdtempDisposableSync(join(tmpdir(), "stemma-rpmbuild-"));
  const parts = packages.map(([name, preamble]) => `%package -n ${name}\nSummary: ${name}\n${preamble}\n%description -n ${name}\n${name}\n`);
  const brought = packages.flatMap(([name, , files]) => files.map((line) => ({ name, file: `%{buildroot}${line.replace(/^%\w+ /, "")}` })));
  const made = [`mkdir -p ${[...new Set(brought.map(({ file }) => dirname(file)))].join(" ")}`, ...brought.map(({ name, file }) => `echo ${name} > ${file}`)];
  const lists = packages.map(([name, , files]) => `%files -n ${name}\n${files.join("\n")}\n`);
  const head = "Name: source\nVersion: 1.0\nRelease: 3\nSummary: source\nLicense: MIT\nBuildArch: noarch\n%description\nsource\n";
  writeFileSync(join(work.path, "one.spec"), [head, ...parts, "%install", made.join("\n"), ...lists].join("\n"));
  run("rpmbuild", ["-bb", "--quiet", "--define", `_topdir ${work.path}`, join(work.path, "one.spec")]);
  rpmCommand(root, "--nodeps", "--noscripts", "-i", ...packages.map(([name]) => join(work.path, `RPMS/noarch/${name}-1.0-3.noarch.rpm`)));
}

function rpmCommand(root: string, ...args: string[]): string {
  return run("rpm", ["--root", root, "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite", ...args]);
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

async function scan(tree: ScanTree): Promise<ScanResult> {
  return await scanTree(tree, [rpm], never);
}
