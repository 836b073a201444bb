import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { gitServerSkip, startGitServer, type GitServer } from "../../src/testing/git-server.ts";
import { predicateProblems, statementProblems } from "../../src/testing/slsa-rules.ts";
import { openPlace, type Place } from "./command.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

const skip = runSkip || gitServerSkip;
const LIMIT = { timeout: 240_000 };
const samples = conformanceFolder("samples");

/** Names of fields that are ours or BuildKit's: only what is documented may stand in a record. */
const DECLARED: ReadonlySet<string> = new Set(readFileSync(join(import.meta.dirname, "../../docs/provenance.md"), "utf8").match(/(?<=`)(?:stemma|buildkit)_\w+(?=[`.])/g));

let [place, git, web] = [] as unknown as [Place, GitServer, Server];
let context = "";
let base = "";
let webUrl = "";

before(async () => {
  if (skip !== false) return;
  [place, git] = await Promise.all([openPlace(), startGitServer()]);
  web = createServer((_request, response) => void response.end("a file\n"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  await git.repository("lib", { "lib.txt": "from a repository\n" });
  base = join(place.path, "base");
  const made = await place.stemmaHere(["build", "-f", "-", "--provenance=false", "-o", `type=oci,tar=false,dest=${base},name=base:latest`, await contextWithBase(place, "root", {})], { input: BASE });
  assert.equal(made.exitCode, 0, made.stderr);
  context = await contextWithBase(place, "context", { "a.txt": "a\n", ".dockerignore": ".git\nbase\n" });
  const work = { cwd: context, env: { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.com", GIT_COMMITTER_NAME: "a", GIT_COMMITTER_EMAIL: "a@example.com" } };
  for (const args of [["init", "-q"], ["remote", "add", "origin", "https://github.com/o/r.git"], ["add", "a.txt", ".dockerignore"], ["commit", "-q", "-m", "first"]]) await place.run(["git", ...args] as [string, ...string[]], work);
});

after(async () => {
  if (skip !== false) return;
  web.closeAllConnections();
  web.close();
  await git[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

interface Records {
  readonly statements: ReadonlyArray<{ readonly predicateType: string; readonly predicate: unknown }>;
  /** As the metadata file has it. */
  readonly metadata: unknown;
}

/** A build with materials of each kind, and everything that a record can tell of. */
async function records(name: string, provenance: string, more: readonly string[] = []): Promise<Records> {
  const dockerfile = [
    "FROM example.com/base:1", "ARG VERSION=1", "ARG NPM_TOKEN", "COPY a.txt /", `ADD ${webUrl}/file /file`, `ADD ${git.url}/lib.git#main /lib`, "RUN --mount=type=secret,id=s echo $VERSION",
    "RUN --network=none true", "LABEL a=b", "",
  ].join("\n");
  const dest = join(place.path, name);
  const run = await place.stemmaHere([
    "build", "-f", "-", `--attest=type=provenance,${provenance}`, "--sbom=format=spdx+cyclonedx", "--build-arg", "VERSION=2", "--build-arg", "NPM_TOKEN=hunter2hunter2", "--build-context", `example.com/base:1=oci-layout://${base}`,
    "--secret", "id=s,env=S", "-t", "example.com/app:1", "-t", "example.com/app:2", "-o", `type=oci,tar=false,dest=${dest}`, "--metadata-file", `${dest}.json`, ...more, context,
  ], { input: dockerfile, env: { S: "x", BUILDX_METADATA_PROVENANCE: provenance.includes("max") ? "max" : "min" } });
  assert.equal(run.exitCode, 0, run.stderr);
  const statements = globSync("blobs/sha256/*", { cwd: dest }).flatMap((blob) => {
    const bytes = readFileSync(join(dest, blob));
    const isStatement = bytes.subarray(0, 200).includes('"_type":"https://in-toto.io/Statement/');
    return isStatement ? [JSON.parse(bytes.toString("utf8")) as { readonly predicateType: string; readonly predicate: unknown }] : [];
  });
  const metadata = JSON.parse(readFileSync(`${dest}.json`, "utf8")) as { readonly "buildx.build.provenance": unknown };
  return { statements, metadata: metadata["buildx.build.provenance"] };
}

/** What v0.2 knows as URIs alone, and BuildKit and we do not write so (docs/provenance.md). */
const DEVIATION_OF_V02 = /^predicate\.metadata\.(?:buildInvocationID|stemma_(?:inputs|commit|hermetic|isolation|network|redacted|reproducible|builder)): is no field of the specification$/;

for (const version of ["v1", "v0.2"] as const) {
  for (const mode of ["min", "max"] as const) {
    test(`each field of a record of ${version} with mode=${mode} is as its specification has it, and so is each statement`, { ...LIMIT, skip }, async () => {
      const { statements, metadata } = await records(`${version}-${mode}`, `mode=${mode},version=${version},builder-id=https://example.com/builder@v1`);
      const expected = ["https://spdx.dev/Document", "https://cyclonedx.org/bom", `https://slsa.dev/provenance/${version}`, ...(mode === "min" ? ["urn:stemma:line-map:v1"] : [])];
      assert.deepEqual(new Set(statements.map(({ predicateType }) => predicateType)), new Set(expected));
      const problems = statements.flatMap((statement) => statementProblems(statement, DECLARED));
      assert.deepEqual(version === "v1" ? problems : problems.filter((problem) => !DEVIATION_OF_V02.test(problem)), []);
      assert.deepEqual(predicateProblems("https://slsa.dev/provenance/v0.2", metadata, DECLARED).filter((problem) => !DEVIATION_OF_V02.test(problem)), []);
      const told = JSON.stringify(statements);
      for (const part of ["pkg:oci/example.com/base", `${webUrl}/file`, "lib.git", "stemma_inputs", "stemma_commit", "stemma_redacted"]) assert.ok(told.includes(part), `${part} is in the record, or this tries nothing`);
    });
  }
}

test("a metadata file with the whole provenance names the layers of each step, as the statement does", { ...LIMIT, skip }, async () => {
  const { statements, metadata } = await records("layers", "mode=max,version=v0.2");
  const [told] = statements.filter(({ predicateType }) => predicateType === "https://slsa.dev/provenance/v0.2");
  const layers = layersIn(metadata);
  assert.ok(Object.keys(layers).length > 3);
  assert.deepEqual(layers, layersIn(told?.predicate));
});

/** By step and output. */
function layersIn(predicate: unknown): object {
  const { metadata } = predicate as { readonly metadata: Readonly<Record<string, { readonly layers?: object }>> };
  return metadata["https://mobyproject.org/buildkit@v1#metadata"]?.layers ?? {};
}

test("without a name of the builder there is none, as in BuildKit's records: that is the one thing that the specification wants and misses", { ...LIMIT, skip }, async () => {
  const { statements } = await records("unnamed", "mode=max");
  assert.deepEqual(statements.flatMap((statement) => statementProblems(statement, DECLARED)), ['predicate.runDetails.builder.id: "" is no URI']);
});

test("BuildKit's own records have nothing else to say against them", { skip: samples.skip }, () => {
  const files = globSync(["*/registry/*slsa*.json", "*/registry/*spdx*.json", "rebuildable/*/*/registry/*slsa*.json"], { cwd: samples.path });
  assert.ok(files.length > 25);
  const problems = new Set(files.flatMap((file) => statementProblems(JSON.parse(readFileSync(join(samples.path, file), "utf8")), DECLARED)));
  assert.deepEqual(problems, new Set(['predicate.runDetails.builder.id: "" is no URI', 'predicate.builder.id: "" is no URI', "predicate.metadata.buildInvocationID: is no field of the specification"]));
});

const SHA256 = "ab".repeat(32);
const V1 = {
  buildDefinition: { buildType: "https://example.com/type@v1", externalParameters: {}, internalParameters: {}, resolvedDependencies: [{ uri: "pkg:docker/a@1?platform=linux%2Famd64", digest: { sha256: SHA256 }, name: "a", mediaType: "text/plain", annotations: { a: 1 } }, { content: "aGk=" }] },
  runDetails: {
    builder: { id: "https://example.com/builder", version: { stemma: "1" }, builderDependencies: [{ uri: "git+https://github.com/o/r", digest: { gitCommit: "1".repeat(40) } }] },
    metadata: { invocationId: "i", startedOn: "2024-02-29T23:59:59.5Z", finishedOn: "2024-03-01T00:00:00Z", stemma_network: ["none"] }, byproducts: [],
  },
};
const V02 = {
  builder: { id: "https://example.com/builder" }, buildType: "https://example.com/type@v1", invocation: { configSource: { uri: "https://example.com/r.git#main", digest: { sha1: "1".repeat(40) }, entryPoint: "Dockerfile" }, parameters: {}, environment: null }, buildConfig: {},
  metadata: { buildInvocationId: "i", buildStartedOn: "2024-01-01T00:00:00Z", buildFinishedOn: "2024-01-01T00:00:00Z", completeness: { parameters: true, environment: false, materials: true }, reproducible: false, "https://example.com/own#field": 1 }, materials: [{ uri: "pkg:docker/a@1", digest: { sha256: SHA256 } }, {}],
};
const statement = (predicateType: string, predicate: unknown, version = "v1"): object => ({ _type: `https://in-toto.io/Statement/${version}`, subject: [{ name: "a", digest: { sha256: SHA256 } }], predicateType: `https://slsa.dev/provenance/${predicateType}`, predicate });

/** Another value at a place such as `a.b.0`; undefined takes it away. */
function changed(tree: object, path: string, value: unknown): object {
  const copy = structuredClone(tree) as Record<string, unknown>;
  const names = path.split(".");
  const last = names.pop() ?? "";
  const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, copy);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

test("the rules find each fault, and nothing in what is right", () => {
  const right = { v1: statement("v1", V1), "v0.2": statement("v0.2", V02, "v0.1") };
  for (const each of Object.values(right)) assert.deepEqual(statementProblems(each, DECLARED), []);
  const faults: ReadonlyArray<readonly [keyof typeof right, string, unknown]> = [
    ...["_type", "subject", "predicateType", "subject.0.digest", "predicate.buildDefinition", "predicate.runDetails", "predicate.buildDefinition.buildType", "predicate.buildDefinition.externalParameters", "predicate.runDetails.builder", "predicate.runDetails.builder.id"].map((path) => ["v1", path, undefined] as const),
    ...["subject.0.name", "subject.0.digest", "predicate.builder", "predicate.builder.id", "predicate.buildType"].map((path) => ["v0.2", path, undefined] as const),
    ["v1", "_type", "https://in-toto.io/Statement/v2"], ["v1", "more", 1], ["v1", "subject", {}], ["v1", "subject", [{ digest: { sha256: SHA256 }, name: "a" }, { digest: { sha256: SHA256 }, name: "a" }]], ["v0.2", "subject.0.uri", "https://h/"],
    ["v1", "subject.0.digest", {}], ["v1", "subject.0.digest.sha256", SHA256.toUpperCase()], ["v1", "subject.0.digest.sha256", "ab"], ["v1", "subject.0.digest.sha256", 1], ["v1", "subject.0.digest.sha-256", SHA256],
    ["v1", "predicate.more", {}], ["v1", "predicate.buildDefinition.configSource", {}], ["v1", "predicate.runDetails.metadata.own_field", 1], ["v1", "predicate.runDetails.metadata.stemma_unknown", 1], ["v1", "predicate.runDetails.metadata.buildInvocationId", "i"],
    ["v1", "predicate.buildDefinition.buildType", "type"], ["v1", "predicate.buildDefinition.buildType", "HTTPS://example.com/"], ["v1", "predicate.buildDefinition.buildType", "https://Example.com/"], ["v1", "predicate.buildDefinition.buildType", "https://example.com/a b"],
    ["v1", "predicate.buildDefinition.externalParameters", []], ["v1", "predicate.buildDefinition.internalParameters", "x"], ["v1", "predicate.buildDefinition.resolvedDependencies", {}], ["v1", "predicate.buildDefinition.resolvedDependencies.0", { name: "a" }],
    ["v1", "predicate.buildDefinition.resolvedDependencies.0.uri", "a b"], ["v1", "predicate.buildDefinition.resolvedDependencies.0.uri", "pkg:a%2"], ["v1", "predicate.buildDefinition.resolvedDependencies.0.digest", "sha256:ab"], ["v1", "predicate.buildDefinition.resolvedDependencies.0.mediaType", "text"],
    ["v1", "predicate.buildDefinition.resolvedDependencies.0.annotations", []], ["v1", "predicate.buildDefinition.resolvedDependencies.0.downloadLocation", "here"], ["v1", "predicate.buildDefinition.resolvedDependencies.1.content", "a"],
    ["v1", "predicate.runDetails.builder.version", { a: 1 }], ["v1", "predicate.runDetails.builder.builderDependencies.0.digest.gitCommit", "1"], ["v1", "predicate.runDetails.byproducts", [{}]], ["v1", "predicate.runDetails.metadata.invocationId", 1],
    ["v1", "predicate.runDetails.metadata.startedOn", "2024-02-30T00:00:00+01:00"], ["v1", "predicate.runDetails.metadata.startedOn", "2024-01-01"], ["v1", "predicate.runDetails.metadata.startedOn", "2024-13-01T00:00:00Z"], ["v1", "predicate.runDetails.metadata.startedOn", 0], ["v1", "predicate.runDetails.metadata.startedOn", "2025-01-01T00:00:00Z"],
    ["v0.2", "predicate.metadata.buildInvocationID", "i"], ["v0.2", "predicate.metadata.stemma_network", ["none"]], ["v0.2", "predicate.metadata.completeness.parameters", "true"], ["v0.2", "predicate.metadata.completeness.more", true], ["v0.2", "predicate.metadata.reproducible", 1], ["v0.2", "predicate.metadata.buildStartedOn", "now"],
    ["v0.2", "predicate.invocation.configSource.uri", "Dockerfile"], ["v0.2", "predicate.invocation.configSource.digest", []], ["v0.2", "predicate.invocation.configSource.entryPoint", 1], ["v0.2", "predicate.invocation.parameters", "x"], ["v0.2", "predicate.invocation.more", {}], ["v0.2", "predicate.buildConfig", []],
    ["v0.2", "predicate.materials", {}], ["v0.2", "predicate.materials.0.uri", "a"], ["v0.2", "predicate.materials.0.name", "a"], ["v0.2", "predicate.materials.0.digest.sha256", "x"], ["v0.2", "predicate.builder.version", {}],
  ];
  for (const [which, path, value] of faults) {
    const problems = statementProblems(changed(right[which], path, value), DECLARED);
    assert.ok(problems.length > 0, `${which}: ${path} as ${JSON.stringify(value)} is taken for right`);
  }
});
