import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { problemsByCyclonedxSchema, problemsBySpdxSchema, publishedSpdx } from "../../src/testing/published-schemas.ts";
import { RandomSecrets } from "../../src/testing/random-secrets.ts";
import { readSpdx } from "../../src/testing/spdx-rules.ts";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { ByteSearch } from "./search-bytes.ts";
import { BASE, contextWithBase, makeContext, runSkip, type Files } from "./small-base.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);
const hidden = new Map<string, string>();
const LIMIT = { timeout: 240_000 };

/** A fresh secret that no document may show. */
function hide(place: string): string {
  const text = secrets.password();
  hidden.set(text, place);
  return text;
}

const withUser = (place: string): string => `https://me:${hide(place)}@host.dev`;

/** A system and packages that tell where they came from, as tools wrote it down with the credentials of the day. */
const FILES: Files = {
  "etc/os-release": `ID=debian\nVERSION_ID="12"\nHOME_URL="${withUser("HOME_URL")}/"\nPRETTY_NAME="Debian ${withUser("PRETTY_NAME")}"\n`,
  "var/lib/dpkg/status": `Package: hello\nStatus: install ok installed\nVersion: 2.10-3\nArchitecture: amd64\nMaintainer: Nobody ${withUser("Maintainer")} <nobody@example.com>\nHomepage: ${withUser("Homepage")}/hello\nDescription: test\n\n`,
  "app/package-lock.json": JSON.stringify({
    name: "app", version: "1.0.0", lockfileVersion: 3,
    packages: {
      "": { name: "app", version: "1.0.0", dependencies: { private: "1.0.0", direct: "1.0.0" } },
      "node_modules/private": { version: "1.0.0", resolved: `${withUser("resolved")}/private-1.0.0.tgz`, license: `SEE ${withUser("license")}/` },
      "node_modules/direct": { version: "1.0.0", resolved: `git+ssh://git:${hide("git+ssh")}@host.dev/direct.git#${"1".repeat(40)}` },
    },
  }),
  "app/node_modules/left-pad/package.json": JSON.stringify({ name: "left-pad", version: "1.3.0", license: "MIT", _resolved: `${withUser("_resolved")}/l.tgz`, homepage: `${withUser("homepage")}/`, repository: { url: `git+${withUser("repository")}/l.git` }, author: `A ${withUser("author")}` }),
  "usr/lib/python3/dist-packages/demo-1.0.dist-info/METADATA": `Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nHome-page: ${withUser("Home-page")}/\nAuthor: ${withUser("Author")}\n\n`,
  "usr/lib/python3/dist-packages/demo-1.0.dist-info/RECORD": "demo-1.0.dist-info/METADATA,,\n",
  "usr/lib/python3/dist-packages/demo-1.0.dist-info/direct_url.json": JSON.stringify({ url: `${withUser("direct_url")}/demo.git`, vcs_info: { vcs: "git", commit_id: "2".repeat(40) } }),
  "app/Cargo.lock": `version = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = ["own"]\n\n[[package]]\nname = "own"\nversion = "0.1.0"\nsource = "git+${withUser("Cargo")}/own.git?token=${hide("Cargo parameter")}#${"3".repeat(40)}"\n`,
  // What cannot be read is told, with what stands there.
  "app/broken/package-lock.json": `{"packages": ${withUser("broken")}`,
};

let place: Place;
before(async () => {
  place = await openPlace();
});
after(async () => await place[Symbol.asyncDispose]());

async function build(name: string, { dockerfile, context, flags = [] }: { readonly dockerfile: string; readonly context: string; readonly flags?: readonly string[] }): Promise<CommandRun> {
  const result = ["-o", `type=local,dest=${join(place.path, name)}`, "-o", `type=oci,dest=${join(place.path, `${name}.tar`)},name=example.com/sbom:1`, "--metadata-file", join(place.path, `${name}.json`)];
  return await place.stemmaHere(["build", "--progress=plain", "-f", "-", ...result, ...flags, context], { input: dockerfile });
}

/** Of a build's result, what describes it. */
function documents(name: string): ReadonlyArray<readonly [file: string, predicate: Buffer]> {
  return globSync("*.{spdx,cdx,fake}*", { cwd: join(place.path, name) }).toSorted().map((file) => [file, predicateOf(join(place.path, name, file))] as const);
}

function predicateOf(path: string): Buffer {
  const statement = JSON.parse(readFileSync(path, "utf8")) as { readonly predicate: unknown };
  return Buffer.from(JSON.stringify(statement.predicate));
}

/** Where each secret was found. The image's own files have them, as they are. */
function shown(outputs: ReadonlyArray<readonly [name: string, bytes: Buffer]>): readonly string[] {
  const search = new ByteSearch(hidden.keys());
  return outputs.flatMap(([name, bytes]) => [...search.in(bytes)].map((text) => `${hidden.get(text)} in ${name}`));
}

test("no document of packages shows a credential that lock files, metadata and the system tell; it stays valid, and says what was masked", LIMIT, async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const context = await makeContext(place, "context", FILES);
  const run = await build("ours", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=format=spdx+cyclonedx"] });
  assert.equal(run.exitCode, 0, run.stderr);
  const [[, cyclonedx] = ["", Buffer.alloc(0)], [, spdx] = ["", Buffer.alloc(0)]] = documents("ours");
  const search = new ByteSearch(hidden.keys());
  assert.equal(search.in(readFileSync(join(place.path, "ours.tar"))).size, hidden.size, "they are in the image, and the search finds them");
  assert.deepEqual(shown([["spdx", spdx], ["cyclonedx", cyclonedx], ["log", Buffer.from(run.stdout + run.stderr)], ["metadata", readFileSync(join(place.path, "ours.json"))]]), []);
  assert.deepEqual(readSpdx(spdx).problems, []);
  if (publishedSpdx.skip === false) assert.deepEqual(problemsBySpdxSchema(spdx), []);
  assert.deepEqual(problemsByCyclonedxSchema(cyclonedx), []);
  const { comment, packages } = JSON.parse(spdx.toString()) as { comment: string; packages: ReadonlyArray<{ name: string; homepage?: string }> };
  assert.match(comment, /^stemma_redacted: .*package hello \(url-credentials\)/);
  assert.match(comment, /system \(url-credentials\)/);
  assert.equal(packages.find(({ name }) => name === "hello")?.homepage, "https://xxxxx:xxxxx@host.dev/hello");
  const { metadata } = JSON.parse(cyclonedx.toString()) as { metadata: { properties: ReadonlyArray<{ name: string; value: string }> } };
  assert.match(metadata.properties.find(({ name }) => name === "stemma:redacted")?.value ?? "", /package hello \(url-credentials\)/);
  assert.match(run.stderr, /sbom\.spdx\.json: masked url credentials in .*package hello/);
});

test("a package that others need keeps its place among them when something of its name is masked", LIMIT, async () => {
  const needed = { version: "1.0.0", resolved: "https://registry.npmjs.org/a/-/a-1.0.0.tgz", dependencies: { b: "1" } };
  const lock = { name: "app", lockfileVersion: 3, packages: { "": { dependencies: { a: "1" } }, "node_modules/a": needed, "node_modules/b": { version: `https://me:${hide("version")}@host.dev/b.tgz` } } };
  const context = await makeContext(place, "needs", { "app/package-lock.json": JSON.stringify(lock) });
  assert.equal((await build("needs", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=true"] })).exitCode, 0);
  const [[, spdx] = ["", Buffer.alloc(0)]] = documents("needs");
  assert.deepEqual(shown([["spdx", spdx]]), []);
  const { problems, document } = readSpdx(spdx);
  assert.deepEqual(problems, []);
  const [a, b] = ["a", "b"].map((name) => document.packages.find((one) => one.name === name)?.SPDXID);
  assert.ok(document.relationships.some(({ spdxElementId, relationshipType, relatedSpdxElement }) => spdxElementId === a && relationshipType === "DEPENDS_ON" && relatedSpdxElement === b));
});

test("a file with a secret in its name is called otherwise wherever a document names it, and by no other's name", LIMIT, async () => {
  const [own, other] = [hide("name of a file"), hide("name of another")];
  const lock = (name: string): string => JSON.stringify({ name: "app", lockfileVersion: 3, packages: { "": { dependencies: { [name]: "1" } }, [`node_modules/${name}`]: { version: "1.0.0" } } });
  const token = (text: string): string => `npm_${text.padEnd(36, "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ")}`;
  const files = { [`key-${token(own)}.txt`]: "1", [`key-${token(other)}.txt`]: "2", "key-xxxxx.txt": "3", [`${token(own)}/package-lock.json`]: lock("a"), [`${token(other)}/package-lock.json`]: lock("b") };
  const context = await makeContext(place, "names", files);
  const run = await build("names", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=format=spdx+cyclonedx"] });
  assert.equal(run.exitCode, 0, run.stderr);
  const [[, cyclonedx] = ["", Buffer.alloc(0)], [, spdx] = ["", Buffer.alloc(0)]] = documents("names");
  assert.deepEqual(shown([["spdx", spdx], ["cyclonedx", cyclonedx], ["log", Buffer.from(run.stdout + run.stderr)]]), []);
  const { problems, document } = readSpdx(spdx);
  assert.deepEqual(problems, []);
  if (publishedSpdx.skip === false) assert.deepEqual(problemsBySpdxSchema(spdx), []);
  assert.deepEqual(problemsByCyclonedxSchema(cyclonedx), []);
  const expected = ["key-xxxxx.txt", "key-xxxxx.txt~2", "key-xxxxx.txt~3", "xxxxx/package-lock.json", "xxxxx/package-lock.json~2"];
  const listed = (JSON.parse(spdx.toString()) as { files: ReadonlyArray<{ SPDXID: string; fileName: string; checksums: ReadonlyArray<{ algorithm: string; checksumValue: string }> }> }).files;
  assert.deepEqual(listed.map(({ fileName }) => fileName.slice(2)).toSorted(), expected);
  assert.deepEqual(new Set(listed.flatMap(({ checksums }) => checksums.filter(({ algorithm }) => algorithm === "SHA256").map(({ checksumValue }) => checksumValue))), new Set(Object.values(files).map((content) => createHash("sha256").update(content).digest("hex"))));
  const { components } = JSON.parse(cyclonedx.toString()) as { components: ReadonlyArray<{ type: string; name: string; evidence?: { occurrences: ReadonlyArray<{ location: string }> } }> };
  assert.deepEqual(components.filter(({ type }) => type === "file").map(({ name }) => name).toSorted(), expected);
  for (const name of ["a", "b"]) {
    const [location] = components.find((one) => one.name === name)?.evidence?.occurrences ?? [];
    const id = document.packages.find((one) => one.name === name)?.SPDXID;
    const evident = document.relationships.filter(({ spdxElementId, relationshipType }) => spdxElementId === id && relationshipType === "OTHER").map(({ relatedSpdxElement }) => listed.find(({ SPDXID }) => SPDXID === relatedSpdxElement)?.fileName);
    assert.deepEqual(evident, [`./${location?.location}`], name);
  }
  assert.match(run.stderr, /sbom\.spdx\.json: masked token in names of files/);
});

test("without secrets, a document says nothing of any; with allow it shows them, and with refuse there is none", LIMIT, async () => {
  const innocent = await makeContext(place, "innocent", { "var/lib/dpkg/status": "Package: hello\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nHomepage: https://host.dev/@scope/hello?a=b\n\n" });
  assert.equal((await build("innocent", { context: innocent, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=format=spdx+cyclonedx", "--secrets-in-evidence=refuse"] })).exitCode, 0);
  for (const [, document] of documents("innocent")) assert.ok(!document.includes("redacted"));
  const context = await makeContext(place, "one", { "var/lib/dpkg/status": `Package: hello\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nHomepage: https://me:${hide("one")}@example.com/\n\n` });
  assert.equal((await build("allowed", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=true", "--secrets-in-evidence=allow"] })).exitCode, 0);
  assert.equal(shown(documents("allowed")).length, 1);
  const refused = await build("refused", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--sbom=true", "--secrets-in-evidence=refuse"] });
  assert.equal(refused.exitCode, 76, refused.stderr);
  assert.match(refused.stderr, /sbom\.spdx\.json would hold a secret: url credentials in package hello/);
  assert.deepEqual(globSync("refused*/**", { cwd: place.path }).filter((path) => path !== "refused"), []);
  assert.deepEqual(globSync("refused.*", { cwd: place.path }), []);
});

test("the document of a scanner that is an image is masked as well, in every text of it", { ...LIMIT, skip: runSkip }, async () => {
  const document = { spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT", name: "made elsewhere", packages: [{ SPDXID: "SPDXRef-a", name: "a", downloadLocation: `${withUser("downloadLocation")}/a.tgz`, externalRefs: [{ referenceLocator: `pkg:npm/a@1?download_url=${encodeURIComponent(withUser("purl"))}` }], attributionTexts: [[`npm_token=${hide("attribution")}`]] }] };
  const script = `cat > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<'JSON'\n${JSON.stringify({ _type: "https://in-toto.io/Statement/v0.1", predicateType: "https://spdx.dev/Document", predicate: document })}\nJSON\n`;
  const made = await contextWithBase(place, "scanner", { "scan.sh": script });
  const scanner = join(place.path, "scanner-layout");
  const image = await place.stemmaHere(["build", "-f", "-", "--provenance=false", "-o", `type=oci,tar=false,dest=${scanner},name=scanner:latest`, made], { input: `${BASE}COPY scan.sh /scan.sh\nENTRYPOINT ["/bin/sh"]\nCMD ["/scan.sh"]\n` });
  assert.equal(image.exitCode, 0, image.stderr);
  const context = await makeContext(place, "scanned", { "file.txt": "x\n" });
  const run = await build("scanned", { context, dockerfile: "FROM scratch\nCOPY . /\n", flags: ["--attest=type=sbom,generator=example.com/scanner:1", "--build-context", `example.com/scanner:1=oci-layout://${scanner}`] });
  assert.equal(run.exitCode, 0, run.stderr);
  const [[file, spdx] = ["", Buffer.alloc(0)]] = documents("scanned");
  assert.equal(file, "sbom.spdx.json");
  assert.deepEqual(shown([["scanned", spdx], ["layout", readFileSync(join(place.path, "scanned.tar"))]]), []);
  const { name, comment, packages } = JSON.parse(spdx.toString()) as { name: string; comment: string; packages: ReadonlyArray<{ downloadLocation: string }> };
  assert.equal(name, "made elsewhere");
  assert.equal(packages[0]?.downloadLocation, "https://xxxxx:xxxxx@host.dev/a.tgz");
  assert.match(comment, /^stemma_redacted: predicate\.packages\[0\]\.downloadLocation \(url-credentials\)/);
});
