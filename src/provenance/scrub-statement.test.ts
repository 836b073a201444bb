import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { lookAlikes } from "../testing/look-alikes.ts";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { scrubStatement, StatementFormError } from "./scrub-statement.ts";

const SAMPLES = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/samples`;
const skip = existsSync(SAMPLES) ? false : `${SAMPLES} is missing`;
const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);

test("every record of BuildKit's that has no secret keeps its bytes", { skip }, () => {
  const files = globSync(["*/registry/*slsa*.json", "*/out/**/provenance.json", "rebuildable/*/*/registry/*slsa*.json"], { cwd: SAMPLES });
  assert.ok(files.length > 25);
  for (const file of files) {
    const bytes = readFileSync(`${SAMPLES}/${file}`);
    const scrubbed = scrubStatement(bytes);
    assert.deepEqual(scrubbed.redactions, [], file);
    assert.ok(Buffer.from(scrubbed.bytes).equals(bytes), file);
  }
});

interface Leaky {
  readonly token: string;
  readonly password: string;
}

function dockerfileOf({ token, password }: Leaky): string {
  return `FROM scratch\nARG NPM_TOKEN=${token}\nENV A=b\n# see https://u:${password}@host/\nRUN x ${token}\n`;
}

/** As BuildKit would have written it. */
function leakyStatement(version: "v1" | "v0.2", leaky: Leaky): string {
  const { token, password } = leaky;
  const buildConfig = {
    llbDefinition: [
      { id: "step0", op: { Op: { source: { identifier: `https://u:${password}@host/x`, attrs: { "http.checksum": "sha256:ab", "git.fullurl": `https://u:${password}@host/y` } } }, constraints: {} } },
      { id: "step1", op: { Op: { exec: { meta: { args: ["curl", "-u", `u:${password}`, "https://host"], env: [`NPM_TOKEN=${token}`, "PATH=/bin"], cwd: "/", proxy_env: { http_proxy: `http://u:${password}@proxy:3128` } }, mounts: [{ input: 0, dest: "/" }] } } }, inputs: ["step0:0"] },
      { id: "step2", op: { Op: { file: { actions: [{ input: 0, secondaryInput: -1, output: 0, Action: { mkfile: { path: "/x", mode: 420, data: Buffer.from(`token=${token}`).toString("base64"), timestamp: "TIMESTAMP" } } }] } } } },
    ],
    digestMapping: { [`sha256:${"a".repeat(64)}`]: "step0" },
  };
  const request = { frontend: "dockerfile.v0", args: { "build-arg:NPM_TOKEN": token, "build-arg:VERSION": "1", "context:lib": `https://u:${password}@host/lib.git`, "label:note": `has ${token}`, "build-arg:HTTPS_PROXY": `http://u:${password}@proxy` }, inputs: { base: { request: { args: { "build-arg:NPM_TOKEN": token } } } } };
  const metadata = { source: { locations: { step0: {} }, infos: [{ filename: "Dockerfile", language: "Dockerfile", data: Buffer.from(dockerfileOf(leaky)).toString("base64"), llbDefinition: [{ id: "step0", op: { Op: { source: { identifier: `git://u:${password}@host/x` } } } }] }] }, vcs: { source: `https://u:${password}@host/repo.git`, revision: "b".repeat(40) } };
  const materials = [{ uri: `https://u:${password}@host/x`, digest: { sha256: "c".repeat(64) } }];
  const predicate = version === "v1"
    ? { buildDefinition: { buildType: "x", resolvedDependencies: materials, externalParameters: { configSource: { uri: `https://u:${password}@host/c.git`, path: "Dockerfile" }, request }, internalParameters: { buildConfig, builderPlatform: "linux/amd64", github_token: password } }, runDetails: { builder: { id: "" }, metadata: { invocationId: "x", buildkit_metadata: metadata } } }
    : { builder: { id: "" }, buildType: "x", materials, invocation: { configSource: { uri: `https://u:${password}@host/c.git`, entryPoint: "Dockerfile" }, parameters: request, environment: { platform: "linux/amd64", github_token: password } }, buildConfig, metadata: { buildInvocationID: "x", "https://mobyproject.org/buildkit@v1#metadata": metadata } };
  const text = JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject: [{ name: "x", digest: { sha256: "d".repeat(64) } }], predicateType: `https://slsa.dev/provenance/${version}`, predicate });
  // Beyond what a float can hold.
  return text.replace('"TIMESTAMP"', "1700000001234567891");
}

function laidOpen(text: string): string {
  return text + [...text.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? "", "base64").toString("utf8")).join("\n");
}

for (const version of ["v1", "v0.2"] as const) {
  test(`a finished record of ${version} loses its secrets, says where they were, and keeps all else`, (t) => {
    t.diagnostic(`SEED=${SEED}`);
    const leaky = { token: secrets.password(), password: secrets.password() };
    const masked = { token: "xxxxx", password: "xxxxx" };
    const { bytes, redactions } = scrubStatement(Buffer.from(leakyStatement(version, leaky)));
    const text = Buffer.from(bytes).toString("utf8");
    for (const secret of Object.values(leaky)) assert.ok(!laidOpen(text).includes(secret), laidOpen(text));
    // The users of addresses are masked with the passwords, as BuildKit does it.
    const expected = leakyStatement(version, masked).replaceAll(/(?<=:\/\/)u(?=:xxxxx@)/g, "xxxxx").replace(/("data":")([^"]*)(","llbDefinition)/, (_all, before: string, data: string, after: string) => before + Buffer.from(Buffer.from(data, "base64").toString("utf8").replace("://u:", "://xxxxx:")).toString("base64") + after);
    assert.equal(text.replace(/,"stemma_redacted":\[.*?\]/, ""), expected);
    const places = redactions.map(({ place }) => place);
    for (const place of ["build-arg:NPM_TOKEN", "base build-arg:NPM_TOKEN", "build-arg:HTTPS_PROXY", "label:note", "context:lib", "context", "materials", "step0", "step0 git.fullurl", "step1", "step1 http_proxy", "step2", "Dockerfile:2", "Dockerfile:4", "Dockerfile:5", "Dockerfile step0", "vcs:source", "github_token"]) {
      assert.ok(places.includes(place), `${place} is not in ${places.join(", ")}`);
    }
    const said = JSON.parse(text) as { predicate: { metadata?: Record<string, unknown>; runDetails?: { metadata: Record<string, unknown> } } };
    assert.deepEqual((said.predicate.runDetails ?? said.predicate).metadata?.["stemma_redacted"], [...new Map(redactions.map(({ place, kind }) => [`${kind} ${place}`, { place, kind }])).values()]);
  });
}

test("a record that was scrubbed is not changed by scrubbing it again", () => {
  const once = scrubStatement(Buffer.from(leakyStatement("v1", { token: secrets.password(), password: secrets.password() }))).bytes;
  const twice = scrubStatement(once);
  assert.deepEqual(twice.redactions, []);
  assert.equal(twice.bytes, once);
});

test("look-alikes of a Dockerfile within a record stay", () => {
  const dockerfile = Object.values(lookAlikes(SEED)).join("\n");
  const statement = JSON.stringify({ predicate: { metadata: { "https://mobyproject.org/buildkit@v1#metadata": { source: { infos: [{ filename: "Dockerfile", data: Buffer.from(dockerfile).toString("base64") }] } } } } });
  assert.deepEqual(scrubStatement(Buffer.from(statement)).redactions, []);
});

test("a file that is written for people stays so", () => {
  const leaky = { token: secrets.password(), password: secrets.password() };
  const indented = JSON.stringify(JSON.parse(leakyStatement("v1", leaky)), undefined, 2);
  assert.match(Buffer.from(scrubStatement(Buffer.from(indented)).bytes).toString("utf8"), /^\{\n {2}"_type": "/);
});

test("what is no statement is refused", () => {
  for (const text of ["[]", "{}", '{"predicate":"x"}']) assert.throws(() => scrubStatement(Buffer.from(text)), StatementFormError);
  assert.throws(() => scrubStatement(Buffer.from("no JSON")), StatementFormError);
});
