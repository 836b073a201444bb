import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalog } from "../../testing/catalog.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { npm } from "../catalogers/npm.ts";

const TESTDATA = join(import.meta.dirname, "testdata");

/** Of the project of testdata/README.md, by every tool: what is only for development, or for another system, is not there. */
const SAMPLE = {
  "pkg:npm/%40sindresorhus/is@4.6.0": [],
  "pkg:npm/debug@4.3.4": ["pkg:npm/ms@2.1.2"],
  "pkg:npm/js-tokens@4.0.0": [],
  "pkg:npm/loose-envify@1.4.0": ["pkg:npm/js-tokens@4.0.0"],
  "pkg:npm/ms@2.0.0": [],
  "pkg:npm/ms@2.1.2": [],
  "pkg:npm/react@18.2.0": ["pkg:npm/loose-envify@1.4.0"],
  "pkg:npm/semver@5.7.2": [],
  "pkg:npm/use-sync-external-store@1.2.0": ["pkg:npm/react@18.2.0"],
};

/** These do not write down which package meets a peer dependency. */
const WITHOUT_PEERS: ReadonlySet<string> = new Set(["npm6", "yarn1", "berry2", "berry4"]);

for (const tool of ["npm6", "npm7", "npm11", "yarn1", "berry2", "berry4", "pnpm6", "pnpm8", "pnpm10"]) {
  test(`the lock file that ${tool} makes of a project lists the same packages as that of any other tool`, async () => {
    const { needs, warnings } = await catalog(npm, treeOfDirectory(join(TESTDATA, "sample", tool)));
    assert.deepEqual(needs, WITHOUT_PEERS.has(tool) ? { ...SAMPLE, "pkg:npm/use-sync-external-store@1.2.0": [] } : SAMPLE);
    assert.deepEqual(warnings, []);
  });
}

const COMMIT = "fae463ff967aa07754f6e90e7c7758a52b2436b3";
const FROM_GIT = `pkg:npm/from-git@0.3.0?vcs_url=git:%2F%2F127.0.0.1%2Ftool.git%40${COMMIT}`;
const FROM_TARBALL = "pkg:npm/from-tarball@0.4.0?download_url=http:%2F%2F127.0.0.1:8765%2Ffrom-tarball.tgz";

for (const tool of ["npm11", "yarn1", "berry2", "berry4", "pnpm6", "pnpm8", "pnpm10"]) {
  test(`${tool}: what comes from a repository or an address says so, and a workspace lists what it needs to run`, async () => {
    const { needs, warnings } = await catalog(npm, treeOfDirectory(join(TESTDATA, "origins", tool)));
    assert.deepEqual(needs, { "pkg:npm/color-name@1.1.3": [], [FROM_GIT]: ["pkg:npm/ms@2.1.2"], [FROM_TARBALL]: [], "pkg:npm/ms@2.1.2": [] });
    assert.deepEqual(warnings, []);
  });
}

test("npm6: a package from elsewhere than a registry has no version there, and gets none", async () => {
  const { needs } = await catalog(npm, treeOfDirectory(join(TESTDATA, "origins", "npm6")));
  assert.deepEqual(needs, {
    [FROM_TARBALL.replace("@0.4.0", "")]: [],
    [FROM_GIT.replace("@0.3.0", "")]: ["pkg:npm/ms@2.1.2"],
    "pkg:npm/ms@2.1.2": [],
  });
});

test("without the package.json beside it, a lock file of Yarn lists all that it has: it does not tell what is for development", async () => {
  for (const [tool, count] of [["yarn1", 13], ["berry4", 12]] as const) {
    const lock = readFileSync(join(TESTDATA, "sample", tool, "yarn.lock"));
    const { needs } = await catalog(npm, treeOfTexts({ "app/yarn.lock": lock }));
    assert.ok("pkg:npm/left-pad@1.3.0" in needs);
    assert.equal(Object.keys(needs).length, count);
  }
});

test("a document before the lock file of pnpm is about pnpm, and not about the project", async () => {
  const lock = readFileSync(join(TESTDATA, "sample", "pnpm10", "pnpm-lock.yaml"), "utf8");
  const before = "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    packageManagerDependencies:\n      pnpm:\n        specifier: 11.0.0\n        version: 11.0.0\npackages:\n  pnpm@11.0.0: {}\nsnapshots:\n  pnpm@11.0.0: {}\n---\n";
  assert.deepEqual((await catalog(npm, treeOfTexts({ "pnpm-lock.yaml": before + lock }))).needs, SAMPLE);
});

test("what Yarn locks for another system alone is not listed, but what it needs is, where others need it too", async () => {
  const entry = (name: string, ...more: readonly string[]): string => [`"${name}@npm:1.0.0":`, "  version: 1.0.0", `  resolution: "${name}@npm:1.0.0"`, ...more, ""].join("\n");
  const lock = [
    "__metadata:\n  version: 8\n", entry("a", "  dependencies:", '    mac: "npm:1.0.0"', '    any: "npm:1.0.0"'), entry("any", "  conditions: (os=linux | os=darwin) & cpu=x64"),
    entry("mac", "  dependencies:", '    any: "npm:1.0.0"', "  conditions: os=darwin"), entry("linux", "  conditions: os=linux & libc=glibc"), entry("nowhere", "  conditions: \"!os=linux\""), entry("unix", "  conditions: \"!os=win32\""),
  ].join("\n");
  const { needs } = await catalog(npm, treeOfTexts({ "yarn.lock": lock }));
  assert.deepEqual(needs, { "pkg:npm/a@1.0.0": ["pkg:npm/any@1.0.0"], "pkg:npm/any@1.0.0": [], "pkg:npm/linux@1.0.0": [], "pkg:npm/unix@1.0.0": [] });
});

test("npm-shrinkwrap.json counts, and package-lock.json beside it does not", async () => {
  const lock = (name: string): string => JSON.stringify({ lockfileVersion: 3, packages: { [`node_modules/${name}`]: { version: "1.0.0", license: "MIT" } } });
  const { needs } = await catalog(npm, treeOfTexts({ "app/npm-shrinkwrap.json": lock("a"), "app/package-lock.json": lock("b"), "other/package-lock.json": lock("c") }));
  assert.deepEqual(Object.keys(needs), ["pkg:npm/a@1.0.0", "pkg:npm/c@1.0.0"]);
});

test("a lock file within an installed package is not about what is installed", () => {
  const tree = treeOfTexts({ "app/node_modules/a/package-lock.json": "{}", "app/node_modules/a/yarn.lock": "", "app/node_modules/.package-lock.json": "{}" });
  assert.deepEqual([...tree.files.values()].filter((file) => npm.wants(file)), []);
});

test("passwords and tokens in an address stay in the lock file", async () => {
  const lock = { lockfileVersion: 3, packages: { "node_modules/a": { version: "1.0.0", resolved: "https://me:secret@host.example/a.tgz?token=secret" }, "node_modules/b": { version: "1.0.0", resolved: "git+ssh://git@host.example/b.git#abc" } } };
  const { needs } = await catalog(npm, treeOfTexts({ "package-lock.json": JSON.stringify(lock) }));
  assert.deepEqual(Object.keys(needs), ["pkg:npm/a@1.0.0?download_url=https:%2F%2Fhost.example%2Fa.tgz", "pkg:npm/b@1.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40host.example%2Fb.git%40abc"]);
});

const DAMAGED: ReadonlyArray<readonly [path: string, content: string, warning: string]> = [
  ["package-lock.json", '{"lockfileVersion":', "package-lock.json: no valid JSON"],
  ["package-lock.json", "[1]", "package-lock.json: no lock file of npm: it has no lockfileVersion"],
  ["package-lock.json", "[".repeat(1_000_000), "package-lock.json: no valid JSON"],
  ["package-lock.json", JSON.stringify({ packages: { ["node_modules/a/".repeat(400)]: {} } }), "package-lock.json: packages nested deeper than a path can be: more than 4096 characters"],
  ["yarn.lock", "hello\n", "yarn.lock: no lock file of Yarn that is known: it has neither the header of version 1 nor __metadata"],
  ["yarn.lock", "# yarn lockfile v1\n\n<<<<<<< ours\na@1:\n  version 1\n", "yarn.lock: line 3 is none of a lock file of Yarn 1"],
  ["yarn.lock", "__metadata:\n  a: &a [1]\n  b: *a\n", "yarn.lock: no valid YAML"],
  ["pnpm-lock.yaml", "lockfileVersion: '4.0'\n", "pnpm-lock.yaml: no lock file of pnpm that is known: lockfileVersion is none of 5 to 9"],
  ["pnpm-lock.yaml", "[".repeat(100_000), "pnpm-lock.yaml: no valid YAML"],
];

for (const [path, content, warning] of DAMAGED) {
  test(`a damaged file gives no package and one warning: ${warning}`, async () => {
    const { packages, warnings } = await catalog(npm, treeOfTexts({ [path]: content }));
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [warning] });
  });
}
