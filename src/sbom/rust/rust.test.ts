import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { catalog } from "../../testing/catalog.ts";
import { sampleElf } from "../../testing/sample-elf.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { cargoAuditable } from "../catalogers/cargo-auditable.ts";
import { cargoLock } from "../catalogers/cargo-lock.ts";

const TESTDATA = join(import.meta.dirname, "testdata");
const LOCK = readFileSync(join(TESTDATA, "Cargo.lock"), "utf8");

const FROM_GIT = "pkg:cargo/from-git@0.3.0?vcs_url=git:%2F%2F127.0.0.1%2Fcrate.git%40bfb8553007b153523b8b1fffa277e0c594b3c408";
const CRATES = { "pkg:cargo/cfg-if@1.0.0": [], [FROM_GIT]: ["pkg:cargo/memchr@2.5.0"], "pkg:cargo/log@0.4.17": ["pkg:cargo/cfg-if@1.0.0"], "pkg:cargo/memchr@2.5.0": [] };

const INDEX = "(registry+https://github.com/rust-lang/crates.io-index)";
const VERSION_1: ReadonlyArray<readonly [pattern: string | RegExp, text: string]> = [
  ["version = 4\n", ""],
  [/^checksum.*\n/gm, ""],
  [/^ "cfg-if"/gm, ` "cfg-if 1.0.0 ${INDEX}"`],
  [/^ "itoa"/gm, ` "itoa 1.0.1 ${INDEX}"`],
  [/^ "log"/gm, ` "log 0.4.17 ${INDEX}"`],
  [/^ "memchr"/gm, ` "memchr 2.5.0 ${INDEX}"`],
  [/^ "from-git"/gm, ' "from-git 0.3.0 (git+git://127.0.0.1/crate.git)"'],
  [/^ "member"/gm, ' "member 0.2.0"'],
  [/(?![^])/g, `\n[metadata]\n"checksum itoa 1.0.1 ${INDEX}" = "00"\n`],
];

/** Versions 3 and 4 have one form for these packages; before there was no version, and before that checksums were apart and names long. */
const OLDER = {
  3: LOCK.replace("version = 4", "version = 3"),
  2: LOCK.replace("version = 4\n", ""),
  1: VERSION_1.reduce((text, [pattern, replacement]) => text.replaceAll(pattern, replacement), LOCK),
};

test("a Cargo.lock lists the crates that the workspace was to be built of, and the Cargo.toml of it what was only to develop it", async () => {
  const { needs, warnings } = await catalog(cargoLock, treeOfDirectory(TESTDATA));
  assert.deepEqual(needs, CRATES);
  assert.deepEqual(warnings, []);
});

for (const [version, lock] of Object.entries({ ...OLDER, 4: LOCK })) {
  test(`version ${version}: without a Cargo.toml beside it all crates are listed but the project's own`, async () => {
    const { needs } = await catalog(cargoLock, treeOfTexts({ "app/Cargo.lock": lock }));
    assert.deepEqual(needs, { ...CRATES, "pkg:cargo/itoa@1.0.1": [] });
  });
}

test("a crate of another registry says which, and two versions of one name are told apart", async () => {
  const lock = `version = 4
[[package]]
name = "a"
version = "1.0.0"
source = "sparse+https://token:secret@registry.example/index/"
dependencies = ["b 2.0.0"]
[[package]]
name = "c"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["b"]
[[package]]
name = "b"
version = "1.0.0"
source = "sparse+https://index.crates.io/"
[[package]]
name = "b"
version = "2.0.0"
source = "sparse+https://index.crates.io/"
`;
  const { needs } = await catalog(cargoLock, treeOfTexts({ "Cargo.lock": lock }));
  assert.deepEqual(needs, { "pkg:cargo/a@1.0.0?repository_url=https:%2F%2Fregistry.example%2Findex%2F": ["pkg:cargo/b@2.0.0"], "pkg:cargo/b@1.0.0": [], "pkg:cargo/b@2.0.0": [], "pkg:cargo/c@1.0.0": [] });
});

test("the lock file of a crate that Cargo unpacked is not about what was built", async () => {
  const { packages } = await catalog(cargoLock, treeOfTexts({ "root/.cargo/registry/src/x/Cargo.lock": LOCK, "root/.cargo/registry/src/x/.cargo-ok": "ok" }));
  assert.deepEqual(packages, []);
});

for (const [content, warning] of [["[[package", "no valid TOML"], ["a = 1", "no lock file of Cargo: it has neither a version nor packages"]] as const) {
  test(`a damaged Cargo.lock gives no package and one warning: ${warning}`, async () => {
    const { packages, warnings } = await catalog(cargoLock, treeOfTexts({ "Cargo.lock": content }));
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [`Cargo.lock: ${warning}`] });
  });
}

/** As cargo-auditable writes it. */
const AUDITABLE = {
  packages: [
    { name: "cc", version: "1.0.0", source: "crates.io", kind: "build" },
    { name: "libc", version: "0.2.150", source: "crates.io" },
    { name: "tool", version: "0.5.0", source: "local", dependencies: [0, 1, 3], root: true },
    { name: "zlib-sys", version: "1.1.0", source: "crates.io", dependencies: [0, 1] },
  ],
};

function program(section: Uint8Array): Readonly<Record<string, Uint8Array>> {
  return { "usr/lib/tool.so": sampleElf({ wordBytes: 8, littleEndian: true, sectionTable: true, sections: [{ name: ".text", content: Buffer.from("text") }, { name: ".dep-v0", content: section }] }) };
}

test("an auditable program tells its crates, but not those that only built it", async () => {
  const { packages, needs, warnings } = await catalog(cargoAuditable, treeOfTexts(program(deflateSync(JSON.stringify(AUDITABLE)))));
  assert.deepEqual(warnings, []);
  assert.deepEqual(needs, {
    "pkg:cargo/libc@0.2.150": [],
    "pkg:cargo/tool@0.5.0": ["pkg:cargo/libc@0.2.150", "pkg:cargo/zlib-sys@1.1.0"],
    "pkg:cargo/zlib-sys@1.1.0": ["pkg:cargo/libc@0.2.150"],
  });
  assert.deepEqual(packages.map(({ files }) => files), [[], ["usr/lib/tool.so"], []]);
});

const BAD: ReadonlyArray<readonly [section: Uint8Array, warning: string]> = [
  [Buffer.from("not compressed"), "a list of crates that cannot be inflated, or is too large"],
  [deflateSync(JSON.stringify(AUDITABLE)).subarray(0, 40), "a list of crates that cannot be inflated, or is too large"],
  [deflateSync(Buffer.alloc(64 * 1024 * 1024)), "a list of crates that cannot be inflated, or is too large"],
  [deflateSync("{"), "no valid JSON"],
  [deflateSync('{"packages":[{}]}'), "a list of crates with one that has no name"],
];

for (const [section, warning] of BAD) {
  test(`a damaged list of crates of ${section.byteLength} bytes gives no package and one warning: ${warning}`, async () => {
    const { packages, warnings } = await catalog(cargoAuditable, treeOfTexts(program(section)));
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [`usr/lib/tool.so: ${warning}`] });
  });
}
