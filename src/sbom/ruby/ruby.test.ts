import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { catalog } from "../../testing/catalog.ts";
import { treeOfDirectory, treeOfTexts } from "../../testing/scan-trees.ts";
import { ruby } from "../catalogers/ruby.ts";

const TESTDATA = join(import.meta.dirname, "testdata");
const LOCK = readFileSync(join(TESTDATA, "Gemfile.lock"), "utf8");
const BETA = "pkg:gem/beta-lib@2.1.0";

test("gems that RubyGems installed are found with what they declare, their files and what they need to run", async () => {
  const { packages, needs, warnings } = await catalog(ruby, treeOfDirectory(join(TESTDATA, "installed")));
  assert.deepEqual(warnings, []);
  assert.deepEqual(needs, { "pkg:gem/alpha@1.0.0": [BETA], [BETA]: [], "pkg:gem/native@3.0.0?platform=x86_64-linux": [BETA] });
  assert.deepEqual(packages[2], {
    type: "gem", namespace: undefined, name: "native", version: "3.0.0", qualifiers: { platform: "x86_64-linux" },
    licenses: ["MIT", "Ruby"], supplier: "A. Person, B", homepage: "https://native.example/",
    evidence: ["specifications/native-3.0.0-x86_64-linux.gemspec"], broughtBy: "specifications/native-3.0.0-x86_64-linux.gemspec",
    files: ["gems/native-3.0.0-x86_64-linux/lib/native.rb", "specifications/native-3.0.0-x86_64-linux.gemspec"],
    dependencies: [BETA],
  });
});

test("a lock file of Bundler lists each gem once, whatever the platforms that it is locked for, but not the project's own", async () => {
  const { needs, warnings } = await catalog(ruby, treeOfTexts({ "app/Gemfile.lock": LOCK }));
  assert.deepEqual(warnings, []);
  assert.deepEqual(needs, {
    "pkg:gem/alpha@1.0.0": [BETA],
    [BETA]: [],
    "pkg:gem/devgem@5.0.0": [],
    "pkg:gem/from-git@0.3.0?vcs_url=git:%2F%2F127.0.0.1%2Fgem.git%40ef8634babf3b09ae2b3b9d6fad1ed8c9d26d394d": [BETA],
    "pkg:gem/native@3.0.0": [BETA],
  });
});

test("a gem that is locked for one platform of Linux says which, and one that is locked for several does not", async () => {
  const lock = LOCK.replace("    native (3.0.0)\n      beta-lib (>= 1, < 3)\n", "");
  assert.ok("pkg:gem/native@3.0.0?platform=x86_64-linux" in (await catalog(ruby, treeOfTexts({ "gems.locked": lock }))).needs);
  const both = lock.replace("native (3.0.0-x64-mingw32)", "native (3.0.0-aarch64-linux)");
  assert.ok("pkg:gem/native@3.0.0" in (await catalog(ruby, treeOfTexts({ "gems.locked": both }))).needs);
});

test("what is installed anywhere is found as installed, and of a lock file only what is not", async () => {
  const alpha = readFileSync(join(TESTDATA, "installed/specifications/alpha-1.0.0.gemspec"));
  const { packages } = await catalog(ruby, treeOfTexts({
    "app/Gemfile.lock": LOCK,
    "usr/local/bundle/specifications/alpha-1.0.0.gemspec": alpha,
    "usr/local/bundle/gems/alpha-1.0.0/Gemfile.lock": "GEM\n  specs:\n    other (1.0)\n",
  }));
  assert.deepEqual(packages.map(({ name, evidence }) => `${name} ${evidence[0].split("/")[0]}`), ["alpha usr", "beta-lib app", "devgem app", "from-git app", "native app"]);
});

test("a gem that came with Ruby is found, and one of two installed versions is not chosen", async () => {
  const spec = (name: string, version: string, more = ""): string => `Gem::Specification.new do |s|\n  s.name = "${name}".freeze\n  s.version = Gem::Version.new("${version}")\n${more}end\n`;
  const { needs } = await catalog(ruby, treeOfTexts({
    "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec": `# stub: json 2.6.1 ruby lib\n${spec("json", "2.6.1")}`,
    "usr/lib/ruby/gems/3.1.0/specifications/a-1.gemspec": spec("a", "1", '  s.add_dependency("json")\n  s.add_dependency(\'b\', ">= 1")\n'),
    "usr/lib/ruby/gems/3.1.0/specifications/b-1.gemspec": spec("b", "1"),
    "usr/lib/ruby/gems/3.1.0/specifications/b-2.gemspec": spec("b", "2"),
    "usr/lib/ruby/gems/3.1.0/specifications/c-1.gemspec": '# stub: c 1.0 java lib\n\nGem::Specification.new do |spec|\n  spec.version = C::VERSION\n  spec.license = "it\'s \\"MIT\\""\n  if true\n    spec.add_development_dependency(%q<json>.freeze, [">= 0"])\n  else\n    spec.add_dependency(%q<json>.freeze)\n  end\nend\n',
  }));
  assert.deepEqual(needs, { "pkg:gem/a@1": ["pkg:gem/json@2.6.1"], "pkg:gem/b@1": [], "pkg:gem/b@2": [], "pkg:gem/c@1.0?platform=java": [], "pkg:gem/json@2.6.1": [] });
});

const DAMAGED: ReadonlyArray<readonly [path: string, content: string | Uint8Array, warning: string]> = [
  ["Gemfile.lock", "hello\n", "Gemfile.lock: no lock file of Bundler: it has none of its sections"],
  ["Gemfile.lock", "GEM\n<<<<<<< HEAD\n", "Gemfile.lock: line 2 is the mark of a conflict"],
  ["specifications/a-1.gemspec", Buffer.alloc(100, 0xff), "specifications/a-1.gemspec: gemspec that does not tell its name"],
];

for (const [path, content, warning] of DAMAGED) {
  test(`a damaged file gives no package and one warning: ${warning}`, async () => {
    const { packages, warnings } = await catalog(ruby, treeOfTexts({ [path]: content }));
    assert.deepEqual({ packages, warnings }, { packages: [], warnings: [warning] });
  });
}
