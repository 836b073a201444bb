import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { catalog } from "../../testing/catalog.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { python } from "../catalogers/python.ts";

const PIP = spawnSync("python3", ["-m", "pip", "--version"]).status === 0;

test("what pip installed is found with what it declares, the files of its record, and what it finds beside it", { skip: PIP ? false : "no pip" }, async (t) => {
  const root = mkdtempSync(join(tmpdir(), "stemma-pip-"));
  t.after(() => rmSync(root, { recursive: true }));
  const wheels = [
    wheel(root, "Zope.Tool_Kit", "1.0.post1", ["License-Expression: MIT OR Apache-2.0", "Author-email: A. Person <a@person.example>", "Project-URL: Home Page, https://tool.example/", "Requires-Dist: small>=1", 'Requires-Dist: winonly ; sys_platform == "win32"', 'Requires-Dist: extra-only ; extra == "more"', "Requires-Dist: absent"]),
    wheel(root, "small", "1.2", ["License: UNKNOWN", "Classifier: License :: OSI Approved :: MIT License", "Author: B", "Author-email: b@person.example", "Home-page: https://small.example/"]),
    ...["winonly", "extra_only"].map((name) => wheel(root, name, "1", [])),
  ];
  execFileSync("python3", ["-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", "--root-user-action=ignore", "--prefix", join(root, "usr"), ...wheels]);
  rmSync(join(root, "wheels"), { recursive: true });

  const { packages, needs, warnings } = await catalog(python, treeOfDirectory(root));
  assert.deepEqual(warnings, []);
  assert.deepEqual(needs, { "pkg:pypi/extra-only@1": [], "pkg:pypi/small@1.2": [], "pkg:pypi/winonly@1": [], "pkg:pypi/zope-tool-kit@1.0.post1": ["pkg:pypi/small@1.2"] });
  const [, small, , tool] = packages;
  assert.deepEqual([small?.licenses, small?.supplier, small?.homepage], [["MIT License"], "B <b@person.example>", "https://small.example/"]);
  assert.deepEqual([tool?.licenses, tool?.supplier, tool?.homepage], [["MIT OR Apache-2.0"], "A. Person <a@person.example>", "https://tool.example/"]);
  const names = tool?.files.map((path) => path.replace(/^usr\/(?:local\/)?lib\/python3\.\d+\/(?:site|dist)-packages\//, "")) ?? [];
  assert.deepEqual(names.filter((name) => !name.includes(".dist-info/")).map((name) => name.replace("usr/local/", "usr/")), ["usr/bin/zope_tool_kit", "zope_tool_kit.py"].toSorted());
  assert.ok(names.includes("Zope.Tool_Kit-1.0.post1.dist-info/RECORD"), names.join("\n"));
});

/** A wheel of one module and one program ("Binary distribution format"). */
function wheel(root: string, name: string, version: string, fields: readonly string[]): string {
  const folder = join(root, "wheels", name);
  const info = `${name}-${version}.dist-info`;
  const module = name.toLowerCase().replaceAll(".", "_");
  const files = {
    [`${module}.py`]: "def main(): pass\n",
    [`${info}/METADATA`]: [`Metadata-Version: 2.1`, `Name: ${name}`, `Version: ${version}`, ...fields, "", "License: none of the header", ""].join("\n"),
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/entry_points.txt`]: `[console_scripts]\n${module} = ${module}:main\n`,
  };
  const record = Object.entries(files).map(([path, content]) => `${path},sha256=${createHash("sha256").update(content).digest("base64url")},${content.length}`);
  for (const [path, content] of Object.entries({ ...files, [`${info}/RECORD`]: [...record, `${info}/RECORD,,`, ""].join("\n") })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  const archive = join(root, "wheels", `${name}-${version}-py3-none-any.whl`);
  execFileSync("python3", ["-m", "zipfile", "-c", archive, ...new Set(Object.keys(files).map((path) => path.split("/")[0] ?? ""))], { cwd: folder });
  return archive;
}

const SITE = "usr/lib/python3.11/site-packages";

test("eggs, the folders of setuptools and the files of distutils tell as much, and their own lists of files are read", async () => {
  const { packages, needs } = await catalog(python, treeOfTexts({
    [`${SITE}/a-1.0.egg-info/PKG-INFO`]: "Metadata-Version: 1.0\nName: a\nVersion: 1.0\nLicense: GPL-2+\n",
    [`${SITE}/a-1.0.egg-info/installed-files.txt`]: "../a/__init__.py\n../../../../bin/a\n../gone.py\n",
    [`${SITE}/a-1.0.egg-info/requires.txt`]: "B>=1\n\n[extra]\nc\n",
    [`${SITE}/a/__init__.py`]: "",
    "usr/bin/a": "",
    [`${SITE}/b-2.0.egg-info`]: "Metadata-Version: 1.0\r\nName: B\r\nVersion: 2.0\r\n",
    [`${SITE}/c-3.0-py3.11.egg/EGG-INFO/PKG-INFO`]: "Metadata-Version: 1.0\nName: c\nVersion: 3.0\n",
    [`${SITE}/c-3.0-py3.11.egg/EGG-INFO/requires.txt`]: "b\n",
  }));
  assert.deepEqual(needs, { "pkg:pypi/a@1.0": ["pkg:pypi/b@2.0"], "pkg:pypi/b@2.0": [], "pkg:pypi/c@3.0": ["pkg:pypi/b@2.0"] });
  assert.deepEqual(packages[0]?.files, ["usr/bin/a", `${SITE}/a-1.0.egg-info/PKG-INFO`, `${SITE}/a/__init__.py`]);
});

test("a distribution that came from a repository says which commit of it, without the password", async () => {
  const origin = { url: "https://me:secret@host.example/a.git", vcs_info: { vcs: "git", commit_id: "c0ffee" } };
  const { needs } = await catalog(python, treeOfTexts({
    [`${SITE}/a-1.0.dist-info/METADATA`]: "Name: a\nVersion: 1.0\n",
    [`${SITE}/a-1.0.dist-info/direct_url.json`]: JSON.stringify(origin),
    [`${SITE}/b-1.0.dist-info/METADATA`]: "Name: b\nVersion: 1.0\n",
    [`${SITE}/b-1.0.dist-info/direct_url.json`]: '{"url":"file:///build/b","dir_info":{}}',
  }));
  assert.deepEqual(Object.keys(needs), ["pkg:pypi/a@1.0?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Fa.git%40c0ffee", "pkg:pypi/b@1.0"]);
});

test("the text of a licence gives way to the name that a classifier has for it, and stands where none has", async () => {
  const text = "License: Permission is granted\n        to whom it may concern.\n";
  const { packages } = await catalog(python, treeOfTexts({
    [`${SITE}/a.dist-info/METADATA`]: `Name: a\nVersion: 1\n${text}Classifier: License :: OSI Approved :: MIT License\n`,
    [`${SITE}/b.dist-info/METADATA`]: `Name: b\nVersion: 1\n${text}`,
  }));
  assert.deepEqual(packages.map(({ licenses }) => licenses), [["MIT License"], ["Permission is granted\nto whom it may concern."]]);
});

test("metadata without a name is no package, and one without a version has none", async () => {
  const { needs, warnings } = await catalog(python, treeOfTexts({
    [`${SITE}/a.dist-info/METADATA`]: "Version: 1\n",
    [`${SITE}/b.dist-info/METADATA`]: "Name: ../b\nVersion: 1\n",
    [`${SITE}/c.dist-info/METADATA`]: Buffer.from([0xff, 0xfe, 0x00]),
    [`${SITE}/d.dist-info/METADATA`]: "Name: d\n",
  }));
  assert.deepEqual(needs, { "pkg:pypi/d": [] });
  assert.deepEqual(warnings, ["a", "b", "c"].map((name) => `${SITE}/${name}.dist-info/METADATA: metadata of a Python distribution without a name`));
});
