import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { CATALOGERS } from "../../src/sbom/catalogers.ts";
import { cyclonedxDocument } from "../../src/sbom/cyclonedx.ts";
import type { DocumentInput } from "../../src/sbom/document.ts";
import { scanTree } from "../../src/sbom/scan.ts";
import { spdxDocument } from "../../src/sbom/spdx.ts";
import { problemsByCyclonedxSchema, problemsBySpdxSchema, publishedSpdx } from "../../src/testing/published-schemas.ts";
import { documentFiles, treeOfDirectory } from "../../src/testing/scan-trees.ts";
import { readSpdx } from "../../src/testing/spdx-rules.ts";
import { openPlace } from "./command.ts";
import { debianArchive } from "./debian-base.ts";

const never = new AbortController().signal;

test("finds in a Debian what its own dpkg tells, each file with its package, and tells it in valid documents", async () => {
  await using place = await openPlace();

  const root = join(place.path, "root");
  await mkdir(root);
  await place.run(["tar", "-C", root, "-xzf", await debianArchive(place)]);
  const tree = treeOfDirectory(root);
  const scan = await scanTree(tree, CATALOGERS, never);
  assert.deepEqual(scan.warnings, []);
  assert.equal(scan.osRelease?.path, "usr/lib/os-release");

  const packages = scan.packages.filter(({ type }) => type === "deb");
  const told = (await place.run(["dpkg-query", `--root=${root}`, "-W", "-f", "${Package} ${Version} ${Architecture}\n"])).trim().split("\n");
  assert.deepEqual(packages.map(({ name, version, qualifiers }) => `${name} ${version} ${qualifiers["arch"]}`).toSorted(), told.toSorted());

  // dpkg itself tells whose a file is, for all files that are not made by scripts.
  const owned = new Set(packages.flatMap(({ files }) => files));
  const listed = await place.run(["sh", "-c", `cat ${root}/var/lib/dpkg/info/*.md5sums | cut -c35-`]);
  const missing = listed.trim().split("\n").filter((path) => tree.locate(path) !== undefined && !owned.has(tree.locate(path)?.path ?? ""));
  assert.deepEqual(missing, []);
  const [libc, shell] = ["libc6", "dash"].map((name) => packages.find((one) => one.name === name));
  assert.ok(libc?.files.some((path) => path.endsWith("/libc.so.6")) && shell?.files.includes(tree.locate("bin/dash")?.path ?? ""));

  const input: DocumentInput = {
    kind: "image", name: "debian", namespace: "https://example.org/sbom", created: new Date(0), tool: { name: "stemma", version: "0.0.0" }, scan, redacted: undefined,
    files: await documentFiles(tree, never), originOf: () => ({ layer: undefined, step: undefined, dockerfile: undefined }),
  };
  const spdx = await spdxDocument(input, never);
  assert.deepEqual(readSpdx(spdx).problems, []);
  if (publishedSpdx.skip === false) assert.deepEqual(problemsBySpdxSchema(spdx), []);
  assert.deepEqual(problemsByCyclonedxSchema(await cyclonedxDocument(input, never)), []);
});
