import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempDisposableSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ExportError } from "./error.ts";
import { writeEvidenceFiles } from "./evidence-files.ts";
import type { Statement } from "./statement.ts";

const statement = (filename: string, text = "{}"): Statement => ({ predicateType: "https://slsa.dev/provenance/v1", bytes: Buffer.from(text), filename });
const AMD = { os: "linux", architecture: "amd64" };
const ARM = { os: "linux", architecture: "arm64" };
const scratch = (): ReturnType<typeof mkdtempDisposableSync> => mkdtempDisposableSync(join(tmpdir(), "stemma-evidence-"));
const everything = (directory: string): readonly string[] => readdirSync(directory, { recursive: true }).map(String).toSorted();

test("statements are files of the names that the local exporter gives them, for nobody else to read", async () => {
  using place = scratch();
  const directory = join(place.path, "new/evidence");
  await using files = await writeEvidenceFiles(directory, [{ platform: AMD, statements: [statement("provenance.json"), statement("sbom.spdx.json")] }]);
  await files.publish();
  assert.deepEqual(files.paths, [join(directory, "provenance.json"), join(directory, "sbom.spdx.json")]);
  assert.deepEqual([everything(directory), statSync(files.paths[0] ?? "").mode & 0o777], [["provenance.json", "sbom.spdx.json"], 0o600]);
});

test("several platforms have a folder each, and files that are there are replaced", async () => {
  using place = scratch();
  mkdirSync(join(place.path, "linux_arm64"));
  writeFileSync(join(place.path, "linux_arm64/provenance.json"), "old");
  await using files = await writeEvidenceFiles(place.path, [AMD, ARM].map((platform) => ({ platform, statements: [statement("provenance.json", platform.architecture)] })));
  assert.equal(readFileSync(join(place.path, "linux_arm64/provenance.json"), "utf8"), "old", "not before it is published");
  await files.publish();
  assert.deepEqual(["amd64", "arm64"].map((name) => readFileSync(join(place.path, `linux_${name}/provenance.json`), "utf8")), ["amd64", "arm64"]);
});

test("what is not published leaves nothing", async () => {
  using place = scratch();
  {
    await using files = await writeEvidenceFiles(join(place.path, "a/b"), [{ platform: AMD, statements: [statement("provenance.json")] }]);
    assert.equal(files.paths.length, 1);
  }
  assert.deepEqual(everything(place.path), []);
});

test("a place that cannot be written, and two files of one name, are refused", async () => {
  using place = scratch();
  writeFileSync(join(place.path, "file"), "");
  const refusal = (code: string, words: RegExp) => (error: unknown): boolean => error instanceof ExportError && error.code === code && words.test(error.message);
  await assert.rejects(writeEvidenceFiles(join(place.path, "file/x"), [{ platform: AMD, statements: [statement("p.json")] }]), refusal("destination", /^--attest-store=file:.*\/file\/x: ENOTDIR/));
  await assert.rejects(writeEvidenceFiles(join(place.path, "x"), [{ platform: AMD, statements: [statement("p.json"), statement("deep/p.json")] }]), refusal("usage", /^duplicate attestation path name p\.json$/));
  assert.equal(existsSync(join(place.path, "x")), false);
});
