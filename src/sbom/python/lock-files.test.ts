import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalog } from "../../testing/catalog.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { python } from "../catalogers/python.ts";

const TESTDATA = join(import.meta.dirname, "testdata");
const POETRY_LOCK = readFileSync(join(TESTDATA, "poetry/poetry.lock"), "utf8");
const PYPROJECT = readFileSync(join(TESTDATA, "poetry/pyproject.toml"), "utf8");

const ALPHA = { "pkg:pypi/alpha@1.0.0": ["pkg:pypi/beta-lib@2.1.0"], "pkg:pypi/beta-lib@2.1.0": [] };
const ALL = ["alpha@1.0.0", "beta-lib@2.1.0", "devdep@5.1.0", "devtool@5.0.0", "opt@6.0.0"].map((one) => `pkg:pypi/${one}`);

test("poetry.lock lists what is needed to run: no group for development, no extra, and nothing for Windows", async () => {
  const { needs, warnings } = await catalog(python, treeOfDirectory(join(TESTDATA, "poetry")));
  assert.deepEqual(needs, ALPHA);
  assert.deepEqual(warnings, []);
});

test("between Poetry 1.5 and 2.0 the groups are told by pyproject.toml, and without it nothing is left out for its group", async () => {
  const lock = POETRY_LOCK.replaceAll(/^category = .*\n/gm, "").replaceAll("optional = true", "optional = false");
  assert.deepEqual((await catalog(python, treeOfTexts({ "poetry.lock": lock, "pyproject.toml": PYPROJECT }))).needs, ALPHA);
  assert.deepEqual(Object.keys((await catalog(python, treeOfTexts({ "poetry.lock": lock }))).needs), ALL);
  const standard = '[project]\nname = "sample"\ndependencies = ["alpha (==1.0.0)"]\n[tool.poetry.group.dev.dependencies]\ndevtool = "*"\nopt = "*"\n';
  assert.deepEqual((await catalog(python, treeOfTexts({ "poetry.lock": lock, "pyproject.toml": standard }))).needs, ALPHA);
});

test("from Poetry 2.0 on the groups and the markers of each package count", async () => {
  const lock = POETRY_LOCK.replaceAll("optional = true", "optional = false")
    .replaceAll(/category = "(\w+)"/g, (_all, group: string) => `groups = ["${group}"]`)
    .replaceAll('name = "opt"', 'name = "opt"\nmarkers = "sys_platform == \'win32\'"');
  assert.deepEqual((await catalog(python, treeOfTexts({ "poetry.lock": lock }))).needs, ALPHA);
  assert.deepEqual(Object.keys((await catalog(python, treeOfTexts({ "poetry.lock": lock.replaceAll('groups = ["dev"]', 'groups = ["dev", "main"]') }))).needs), ALL.slice(0, 4));
});

test("Pipfile.lock lists its default packages", async () => {
  const { needs, warnings } = await catalog(python, treeOfDirectory(join(TESTDATA, "pipenv")));
  assert.deepEqual(needs, { "pkg:pypi/alpha@1.0.0": [], "pkg:pypi/beta-lib@2.1.0": [] });
  assert.deepEqual(warnings, []);
});

/** In the form that uv 0.7 and later write (`revision = 3`). */
const UV_LOCK = `
version = 1
revision = 3
requires-python = ">=3.9"
resolution-markers = ["python_full_version >= '3.10'", "python_full_version < '3.10'"]

[[package]]
name = "sample"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "alpha", extra = ["extra"] },
    { name = "from-git" },
    { name = "winthing", marker = "sys_platform == 'win32'" },
    { name = "forked", version = "1.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.10'" },
]

[package.optional-dependencies]
opt = [{ name = "opt" }]

[package.dev-dependencies]
dev = [{ name = "devtool" }]

[package.metadata]
requires-dist = [{ name = "alpha", extras = ["extra"], specifier = "==1.0.0" }]

[[package]]
name = "alpha"
version = "1.0.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "beta-lib" }, { name = "winthing", marker = "sys_platform == 'win32'" }]
sdist = { url = "https://files.example/alpha-1.0.0.tar.gz", hash = "sha256:00", size = 9007199254740993 }

[package.optional-dependencies]
extra = [{ name = "more" }]

[[package]]
name = "beta-lib"
version = "2.1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "devtool"
version = "5.0.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "beta-lib" }, { name = "devdep" }]

[[package]]
name = "devdep"
version = "5.1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "forked"
version = "1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "from-git"
version = "0.3"
source = { git = "https://host.example/from-git?rev=main#c0ffee" }

[[package]]
name = "more"
version = "4.0.0"
source = { url = "https://host.example/more-4.0.0.tar.gz" }

[[package]]
name = "opt"
version = "6.0.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "winthing"
version = "3.0.0"
source = { registry = "https://pypi.org/simple" }
`;

test("uv.lock lists what the project needs to run, with the extras that are asked for", async () => {
  const { needs, warnings } = await catalog(python, treeOfTexts({ "app/uv.lock": UV_LOCK }));
  assert.deepEqual(warnings, []);
  assert.deepEqual(needs, {
    ...ALPHA,
    "pkg:pypi/forked@1.0": [],
    "pkg:pypi/from-git@0.3?vcs_url=git%2Bhttps:%2F%2Fhost.example%2Ffrom-git%40c0ffee": [],
    "pkg:pypi/more@4.0.0?download_url=https:%2F%2Fhost.example%2Fmore-4.0.0.tar.gz": [],
  });
});

test("a requirements file lists what it pins, for Linux", async () => {
  const { needs, warnings } = await catalog(python, treeOfTexts({
    "app/requirements.txt": [
      "# a comment", "Django==4.2 # why", "zope.interface[test, x] === 6.0 ; python_version >= '3.8'", "ranged>=1,<2", "any", "stars==1.*",
      "hashed==1.0 \\", "    --hash=sha256:00 \\", "    --hash=sha256:11", 'win==1.0; sys_platform == "win32"', "clauses (==1.1,!=1.2)",
      "-r other.txt", "--index-url https://index.example/simple", "url @ https://host.example/url-1.0.tar.gz", "-e .", "./local", "${VARIABLE}==1.0", "last==2.0 \\",
    ].join("\r\n"),
    "app/requirements-dev.txt": "dev==1.0\n",
    "app/requirements_prod.txt": "prod==1.0\n",
    "usr/lib/python3/site-packages/x/requirements.txt": "vendored==1.0\n",
  }));
  assert.deepEqual(Object.keys(needs), ["clauses@1.1", "django@4.2", "hashed@1.0", "last@2.0", "prod@1.0", "zope-interface@6.0"].map((one) => `pkg:pypi/${one}`));
  assert.deepEqual(warnings, []);
});

test("what is installed anywhere is found as installed, and of a lock file only what is not", async () => {
  const { packages } = await catalog(python, treeOfTexts({
    "app/requirements.txt": "a==1.0\nb==1.0\n",
    "opt/venv/lib/python3.11/site-packages/A-1.0.dist-info/METADATA": "Name: A\nVersion: 1.0\n",
    "opt/venv/lib/python3.11/site-packages/b-2.0.dist-info/METADATA": "Name: b\nVersion: 2.0\n",
  }));
  assert.deepEqual(packages.map(({ name, version, evidence }) => `${name} ${version} ${evidence[0].split("/")[0]}`), ["a 1.0 opt", "b 1.0 app", "b 2.0 opt"]);
});

const DAMAGED: ReadonlyArray<readonly [path: string, content: string, warning: string]> = [
  ["poetry.lock", "[[package]\n", "poetry.lock: no valid TOML"],
  ["poetry.lock", "a = 1\n", "poetry.lock: no lock file of Poetry: it has no [metadata]"],
  ["poetry.lock", `a = ${"[".repeat(100_000)}`, "poetry.lock: no valid TOML"],
  ["poetry.lock", `${'[[package]]\nname = "a"\n'.repeat(101)}[metadata]\n`, "poetry.lock: more than 100 versions of one package"],
  ["uv.lock", 'version = "x"\n', "uv.lock: no lock file of uv: it has no version"],
  ["Pipfile.lock", "{}", "Pipfile.lock: no lock file of Pipenv: it has no _meta"],
  ["Pipfile.lock", "{", "Pipfile.lock: no valid JSON"],
];

for (const [path, content, warning] of DAMAGED) {
  test(`a damaged file gives no package and one warning: ${warning} (${content.length} characters)`, async () => {
    const { packages, warnings } = await catalog(python, treeOfTexts({ [path]: content }));
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [warning] });
  });
}

test("binary rubbish in a requirements file pins nothing", async () => {
  const { packages, warnings } = await catalog(python, treeOfTexts({ "requirements.txt": Buffer.alloc(100_000, 0xf7) }));
  assert.deepEqual({ packages, warnings }, { packages: [], warnings: [] });
});
