import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, parseDigest } from "../content/digest.ts";
import { encodeMessage } from "../llb/encode.ts";
import { OpSchema, message, type MessageInitShape } from "../llb/op.ts";
import { OpenScrubber } from "../scrub/open-scrubber.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { EMPTY_CAPTURE } from "./capture.ts";
import { metadataProvenance } from "./metadata-file.ts";
import { renderJson } from "./json-tree.ts";
import type { ProvenanceInput } from "./predicate.ts";
import { IncompleteMaterialsError } from "./predicate.ts";
import { buildRecord } from "./source-map.ts";
import { provenanceStatement } from "./statement.ts";

const SECRET = "s3cr3t-value-42";
const COMMIT = "1".repeat(40);
const DOCKERFILE = `# https://me:${SECRET}@host/\nFROM scratch\nARG API_TOKEN=${SECRET}\nADD https://u:${SECRET}@host/x?t=${SECRET} /\nRUN true\n`;
const form = { subjects: [], form: "compact" } as const;

/** A build that has its secret in every place where BuildKit would publish it (anchor B4–B7, H10). */
function leakyInput(mode: "min" | "max"): ProvenanceInput {
  const source = encode({ op: { case: "source", value: { identifier: `https://u:${SECRET}@host/x?t=${SECRET}`, attrs: { "git.fullurl": `https://u:${SECRET}@host/y` } } }, constraints: {} });
  const exec = encode({
    inputs: [{ digest: source.digest, index: 0n }],
    op: {
      case: "exec",
      value: { meta: { args: ["sh", "-c", `curl https://u:${SECRET}@host`], env: [`API_TOKEN=${SECRET}`, "PATH=/bin"], proxyEnv: { httpProxy: `http://u:${SECRET}@proxy:3128`, noProxy: "localhost" } }, mounts: [{ dest: "/" }] },
    },
    constraints: {},
  });
  const head = encode({ inputs: [{ digest: exec.digest, index: 0n }] });
  const record = buildRecord({ def: [source.bytes, exec.bytes, head.bytes], metadata: new Map(), source: undefined });
  const args = {
    filename: "Dockerfile", target: "final", "build-arg:API_TOKEN": SECRET, "build-arg:HTTP_PROXY": `http://u:${SECRET}@proxy:3128`, "label:note": `see https://u:${SECRET}@host`,
    "vcs:source": `https://u:${SECRET}@host/repo.git`, "vcs:revision": COMMIT,
  };
  return {
    plan: { mode, version: "v1", builder: { id: "", basis: "none" }, filename: "provenance.json", reproducible: false, inlineOnly: false, completeMaterials: false, captureUsage: false },
    capture: {
      ...EMPTY_CAPTURE,
      http: [{ url: `https://u:${SECRET}@host/x`, digest: source.digest }],
      locals: [{ name: "context", digest: exec.digest }],
      secrets: [{ id: "tok", optional: false }],
      ssh: [{ id: "default", optional: true }],
      runs: [{ network: "none", open: [], isolation: { runtime: "runc", seccomp: true, rootless: false } }, { network: "host", open: [], isolation: undefined }],
    },
    request: { frontend: "dockerfile.v0", args, inputs: new Map() },
    rootRequest: { frontend: "", args, inputs: new Map() },
    build: { ...record, files: [{ filename: "Dockerfile", language: "Dockerfile", data: Buffer.from(DOCKERFILE), graph: undefined }] },
    layers: [],
    invocation: { id: "id", startedNs: 1_700_000_000_000_000_000n, finishedNs: 1_700_000_000_000_000_001n },
    environment: { builderPlatform: { os: "linux", architecture: "amd64" }, dockerfileVersion: "1.26.0", compatibilityVersion: 30, custom: {} },
    usage: undefined,
    commit: { kind: "equal", commit: COMMIT, files: 3, converted: 1 },
    rebuild: { runs: 2 },
    policies: [{ kind: "rego", name: `https://u:${SECRET}@host/x.rego`, digest: exec.digest }],
    scrubber: new Scrubber(),
    imageRedactions: [],
  };
}

function encode(op: MessageInitShape<typeof OpSchema>): { bytes: Uint8Array; digest: ReturnType<typeof digestOf> } {
  const bytes = encodeMessage(OpSchema, message(OpSchema, op));
  return { bytes, digest: digestOf(bytes) };
}

function written(input: ProvenanceInput): string {
  return Buffer.from(provenanceStatement(input, form)).toString("utf8");
}

/** The text with everything in it that is text in base64. */
function laidOpen(text: string): string {
  return text + [...text.matchAll(/"data":"([^"]*)"/g)].map(([, data]) => Buffer.from(data ?? "", "base64").toString("utf8")).join("\n");
}

/** What `stemma_redacted` says of a record in either version. */
function redactedOf(text: string): ReadonlyArray<{ readonly place: string; readonly kind: string }> {
  const { predicate } = JSON.parse(text) as { predicate: { metadata?: Record<string, unknown>; runDetails?: { metadata: Record<string, unknown> } } };
  return ((predicate.runDetails ?? predicate).metadata?.["stemma_redacted"] ?? []) as ReturnType<typeof redactedOf>;
}

test("a record says where something was masked, so that a rebuild can ask for it", () => {
  for (const version of ["v1", "v0.2"] as const) {
    const input = leakyInput("max");
    const redacted = redactedOf(written({ ...input, plan: { ...input.plan, version }, imageRedactions: [{ kind: "token", place: "history[2]", name: undefined }] }));
    assert.deepEqual(redacted[0], { place: "history[2]", kind: "token" });
    for (const [place, kind] of [["build-arg:API_TOKEN", "secret-variable"], ["build-arg:HTTP_PROXY", "proxy-credentials"], ["materials", "url-credentials"], ["Dockerfile:3", "secret-variable"], ["step1 http_proxy", "proxy-credentials"]] as const) {
      assert.ok(redacted.some((each) => each.place === place && each.kind === kind), `${place}: ${JSON.stringify(redacted)}`);
    }
  }
});

test("in mode=min it names no build argument either", () => {
  const places = redactedOf(written(leakyInput("min"))).map(({ place }) => place);
  assert.deepEqual(places, ["materials", "vcs:source"]);
});

test("a record with nothing masked does not speak of it", () => {
  const input = leakyInput("min");
  assert.ok(!written({ ...input, rootRequest: { frontend: "", args: {}, inputs: new Map() }, request: { frontend: "dockerfile.v0", args: { filename: "Dockerfile" }, inputs: new Map() }, capture: EMPTY_CAPTURE }).includes("stemma_redacted"));
});

test("who asked for it gets what BuildKit writes: secrets, and addresses without credentials", () => {
  const input = leakyInput("max");
  const text = laidOpen(written({ ...input, scrubber: new OpenScrubber() }));
  for (const expected of [`"build-arg:API_TOKEN":"${SECRET}"`, `"env":["API_TOKEN=${SECRET}"`, `ARG API_TOKEN=${SECRET}`, '"uri":"https://xxxxx:xxxxx@host/x"']) assert.ok(text.includes(expected), expected);
});

test("no secret comes through in any mode or version, nor in a metadata file", () => {
  for (const mode of ["min", "max"] as const) {
    for (const version of ["v1", "v0.2"] as const) {
      const input = leakyInput(mode);
      assert.ok(!laidOpen(written({ ...input, plan: { ...input.plan, version } })).includes(SECRET), `${mode} ${version}`);
    }
    assert.ok(!laidOpen(renderJson(metadataProvenance(leakyInput("min"), mode), "compact")).includes(SECRET), `metadata ${mode}`);
  }
});

test("requests of inputs are told as BuildKit tells them, without their secrets, and in min without what the client chose", () => {
  const deepest = { frontend: "dockerfile.v0", args: { "input:context": "input:x", "label:kind": "base" }, inputs: new Map() };
  // A name of a member that else holds no texts.
  const inputs = new Map([["layers", { frontend: "dockerfile.v0", args: { filename: "Other", target: "t", "build-arg:API_TOKEN": SECRET, "build-arg:A": "1" }, inputs: new Map([["b", deepest]]) }]]);
  const told = (mode: "min" | "max"): { readonly inputs?: unknown } => {
    const input = leakyInput(mode);
    const { predicate } = JSON.parse(written({ ...input, request: { ...input.request, inputs } })) as { predicate: { buildDefinition: { externalParameters: { request: { inputs?: unknown } } }; runDetails: { metadata: { buildkit_completeness: { request: boolean } } } } };
    assert.equal(predicate.runDetails.metadata.buildkit_completeness.request, mode === "max");
    return predicate.buildDefinition.externalParameters.request;
  };
  const source = (args: object): unknown => ({ layers: {
    configSource: { path: "Other" },
    request: { frontend: "dockerfile.v0", args: { target: "t", ...args }, inputs: { b: { configSource: { uri: "input:x" }, request: { frontend: "dockerfile.v0", ...(Object.keys(args).length === 0 ? {} : { args: { "label:kind": "base" } }) } } } },
  } });
  assert.deepEqual(told("max").inputs, source({ "build-arg:A": "1", "build-arg:API_TOKEN": "xxxxx" }));
  assert.deepEqual(told("min").inputs, source({}));
});

test("what was masked in max stays recognisable, and is reported", () => {
  const input = leakyInput("max");
  const text = laidOpen(written(input));
  for (const expected of [
    '"build-arg:API_TOKEN":"xxxxx"',
    '"build-arg:HTTP_PROXY":"http://xxxxx:xxxxx@proxy:3128"',
    '"identifier":"https://xxxxx:xxxxx@host/x?t=xxxxx"',
    '"git.fullurl":"https://xxxxx:xxxxx@host/y"',
    '"env":["API_TOKEN=xxxxx","PATH=/bin"]',
    '"http_proxy":"http://xxxxx:xxxxx@proxy:3128"',
    '"no_proxy":"localhost"',
    "# https://xxxxx:xxxxx@host/\nFROM scratch\nARG API_TOKEN=xxxxx\nADD https://xxxxx:xxxxx@host/x?t=xxxxx /",
  ]) assert.ok(text.includes(expected), expected);
  const places = new Set(input.scrubber.redactions.map(({ place }) => place));
  for (const place of ["build-arg:API_TOKEN", "build-arg:HTTP_PROXY", "step0", "step0 git.fullurl", "step1", "step1 http_proxy", "Dockerfile:1", "Dockerfile:3"]) assert.ok(places.has(place), place);
  assert.ok(!JSON.stringify(input.scrubber.redactions).includes(SECRET), "the report holds no value");
});

test("the digests of steps stay those of the steps that were run", () => {
  const input = leakyInput("max");
  const { predicate } = JSON.parse(written(input)) as { predicate: { buildDefinition: { internalParameters: { buildConfig: { digestMapping: Record<string, string> } } } } };
  const digests = new Set<string | undefined>([...(input.build?.graph.vertices.keys() ?? []), input.build?.graph.head?.digest]);
  assert.deepEqual(new Set(Object.keys(predicate.buildDefinition.internalParameters.buildConfig.digestMapping)), digests);
});

interface Written {
  readonly predicate: {
    readonly buildDefinition: { readonly resolvedDependencies: unknown; readonly externalParameters: { readonly request: Record<string, unknown> }; readonly internalParameters: unknown };
    readonly runDetails: { readonly metadata: Record<string, unknown> };
  };
}

test("mode=min holds no value that the caller chose, and says that the request is incomplete", () => {
  const { predicate } = JSON.parse(written(leakyInput("min"))) as Written;
  const { request } = predicate.buildDefinition.externalParameters;
  assert.deepEqual(request["args"], { target: "final" });
  assert.equal(request["secrets"], undefined);
  assert.equal(request["ssh"], undefined);
  assert.deepEqual(predicate.buildDefinition.internalParameters, { builderPlatform: "linux/amd64", dockerfileVersion: "1.26.0" });
  assert.deepEqual(predicate.runDetails.metadata["buildkit_completeness"], { request: false, resolvedDependencies: false });
});

test("our own findings stand beside BuildKit's, in both modes and both versions", () => {
  const context = leakyInput("min").capture.locals[0]?.digest ?? parseDigest("");
  const expectedIn = (mode: "min" | "max"): Record<string, unknown> => ({
    stemma_inputs: [{ name: "context", digest: { sha256: context.slice("sha256:".length) }, check: "content" }],
    stemma_commit: { digest: { sha1: COMMIT }, verified: true, check: "tree", files: 3, converted: 1 },
    stemma_hermetic: { verified: false, check: "inputs", uncaptured: ["network"] },
    stemma_reproducible: { verified: true, check: "rebuild", runs: 2 },
    stemma_isolation: [{ runtime: "runc", seccomp: true, rootless: false }],
    stemma_policies: [{ kind: "rego", ...(mode === "max" ? { name: "https://xxxxx:xxxxx@host/x.rego" } : {}), digest: { sha256: context.slice("sha256:".length) } }],
    stemma_network: ["host", "none"],
  });
  const withoutRedacted = (all: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(ours(all)).filter(([key]) => key !== "stemma_redacted"));
  for (const mode of ["min", "max"] as const) {
    const { metadata } = (JSON.parse(written(leakyInput(mode))) as Written).predicate.runDetails;
    assert.deepEqual(withoutRedacted(metadata), expectedIn(mode));
    const input = leakyInput(mode);
    const older = JSON.parse(written({ ...input, plan: { ...input.plan, version: "v0.2" } })) as { predicate: { metadata: Record<string, unknown> } };
    assert.deepEqual(withoutRedacted(older.predicate.metadata), expectedIn(mode));
  }
});

function ours(metadata: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith("stemma_")));
}

const DIFFERENT: ProvenanceInput["commit"] = {
  kind: "different", commit: COMMIT, files: 3, converted: 0, differing: 101,
  differences: [{ path: "secret-glpat-AbCdEfGhIjKlMnOpQrSt", reason: "missing" }, { path: "sub/\udcff", reason: "other content" }],
};

test("where files differ from the commit their number is told, and in mode=max their names without what is secret in them", () => {
  const commit = (input: ProvenanceInput): unknown => (JSON.parse(written({ ...input, commit: DIFFERENT })) as Written).predicate.runDetails.metadata["stemma_commit"];
  const verdict = { digest: { sha1: COMMIT }, verified: false, check: "tree", files: 3, differing: 101 };
  assert.deepEqual(commit(leakyInput("min")), verdict);
  assert.deepEqual(commit(leakyInput("max")), { ...verdict, differences: [{ path: "secret-xxxxx", reason: "missing" }, { path: "sub/\ufffd", reason: "other content" }] });
});

test("a builder that only the environment names is told as that, and without what opens doors", () => {
  const input = leakyInput("min");
  const details = (builder: ProvenanceInput["plan"]["builder"]): unknown => {
    const { runDetails } = (JSON.parse(written({ ...input, plan: { ...input.plan, builder } })) as { predicate: { runDetails: { builder: object; metadata: Record<string, unknown> } } }).predicate;
    return [runDetails.builder, runDetails.metadata["stemma_builder"]];
  };
  assert.deepEqual(details({ id: "https://user:pass@ci/job", basis: "environment" }), [{ id: "https://xxxxx:xxxxx@ci/job" }, { basis: "environment" }]);
  assert.deepEqual(details({ id: "https://ci/job", basis: "request" }), [{ id: "https://ci/job" }, undefined]);
  assert.deepEqual(details({ id: "", basis: "none" }), [{ id: "" }, undefined]);
});

test("what was not checked is told as that", () => {
  const commit = (record: ProvenanceInput["commit"]): unknown => (JSON.parse(written({ ...leakyInput("max"), commit: record })) as Written).predicate.runDetails.metadata["stemma_commit"];
  assert.deepEqual(commit({ kind: "unchecked", commit: COMMIT, cause: "object-missing" }), { digest: { sha1: COMMIT }, verified: false, unchecked: "object-missing" });
  assert.deepEqual(commit({ kind: "unchecked", commit: undefined, cause: "refused" }), { verified: false, unchecked: "refused" });
});

test("a commit is a material only when the files equal it", () => {
  const material = { uri: "https://xxxxx:xxxxx@host/repo.git", digest: { sha1: COMMIT } };
  const dependencies = (input: ProvenanceInput): unknown => (JSON.parse(written(input)) as Written).predicate.buildDefinition.resolvedDependencies;
  const has = (input: ProvenanceInput): boolean => JSON.stringify(dependencies(input)).includes(JSON.stringify(material));
  assert.equal(has(leakyInput("min")), true);
  assert.equal(has({ ...leakyInput("min"), commit: DIFFERENT }), false);
  assert.equal(has({ ...leakyInput("min"), commit: undefined }), false);
});

test("complete materials that are asked for and not to be had are an error", () => {
  const input = leakyInput("max");
  assert.throws(() => written({ ...input, plan: { ...input.plan, completeMaterials: true } }), IncompleteMaterialsError);
});

test("numbers beyond a float's reach are exact where BuildKit's are, and rounded where BuildKit's are", () => {
  const timestamp = 1_700_000_001_234_567_891n;
  const file = encode({ op: { case: "file", value: { actions: [{ input: -1n, secondaryInput: -1n, output: 0n, action: { case: "mkdir", value: { path: "/x", timestamp } } }] } }, constraints: {} });
  const head = encode({ inputs: [{ digest: file.digest, index: 0n }] });
  const input = { ...leakyInput("max"), build: buildRecord({ def: [file.bytes, head.bytes], metadata: new Map(), source: undefined }) };
  assert.ok(written({ ...input, plan: { ...input.plan, version: "v0.2" } }).includes('"timestamp":1700000001234567891'));
  assert.ok(written(input).includes(`"timestamp":${Number(timestamp)}`));
});
