import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build, type BuildRequest } from "../../src/doors/build.ts";
import { makeCertificates, opensslSkip, type Certificates } from "../../src/testing/certificates.ts";
import { dockerRegistrySkip, startDockerRegistry, type DockerRegistry } from "../../src/testing/docker-registry.ts";
import { EvidenceSamples, sampleStatement, SIGSTORE_BUNDLE, SLSA_V1 } from "../../src/testing/evidence-samples.ts";
import { serve, serveProxy, type HttpFixture, type ProxyFixture } from "../../src/testing/http-fixture.ts";
import type { ImageIndex } from "../../src/oci/manifest.ts";
import { MEDIA_TYPE } from "../../src/oci/media-type.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { parseDigest } from "../../src/content/digest.ts";
import { testClient } from "../../src/testing/registry-fixture.ts";
import { newKey, startTestSigstore, type TestSigstore, type TestSimpleSignature } from "../../src/testing/test-sigstore.ts";

const path = mkdtempSync(join(tmpdir(), "stemma-policy-images-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: path };
let directories = 0;
let registry: DockerRegistry;
let web: HttpFixture;

async function directory(files: Readonly<Record<string, string>>): Promise<string> {
  const made = join(path, `files-${directories++}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(made, name)), { recursive: true });
    await writeFile(join(made, name), content);
  }
  return made;
}

async function publish(tag: string, dockerfile: string, request: Partial<Omit<BuildRequest, "root">> = {}): Promise<string> {
  const context = await directory({ Dockerfile: dockerfile, own: tag });
  const { image } = await build({ context, env, root: join(path, "state"), tags: [`${registry.host}/r:${tag}`], push: true, ...request }).result;
  return image?.digest ?? "";
}

let base = "";
let sigstore: TestSigstore;
let trusting: Situation;
let samples: EvidenceSamples;
const client = testClient();
const signal = AbortSignal.timeout(300_000);
before(async () => {
  if (dockerRegistrySkip !== false) return;
  sigstore = await startTestSigstore();
  const root = join(path, "trusted_root.json");
  await writeFile(root, sigstore.trustedRoot);
  trusting = { env: { STEMMA_SIGSTORE_TRUSTED_ROOT: root } };
  registry = await startDockerRegistry();
  samples = new EvidenceSamples(client.repository({ domain: registry.host, path: "r" }, "push"), signal);
  web = await serve((_, response) => void response.end("hello"));
  base = await publish("base", "FROM scratch\nCOPY own /\nLABEL owner=base\n", { provenance: "mode=min" });
  await publish("bare", "FROM scratch\nCOPY own /\n", { provenance: "false" });
  const top = `FROM ${registry.host}/r:base\nARG WHO\nADD ${web.origin}/file /\nLABEL owner=top\n`;
  const request = { buildArgs: { WHO: "me" }, platforms: ["linux/amd64"] };
  await publish("v1", top, { ...request, provenance: "mode=max,version=v1,builder-id=https://builder.example/1" });
  await publish("v02", top, { ...request, provenance: "mode=max,version=v0.2,builder-id=https://builder.example/2" });
  await publish("top", `FROM ${registry.host}/r:v1\nCOPY own /top\n`, { ...request, provenance: "mode=max" });
});
after(async () => {
  await client[Symbol.asyncDispose]();
  if (dockerRegistrySkip === false) {
    await registry[Symbol.asyncDispose]();
    await web[Symbol.asyncDispose]();
  }
  await rm(path, { recursive: true, force: true });
});

interface Situation {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly dockerfile?: string;
  readonly policies?: readonly string[];
}

interface Attempt {
  readonly failure: string | undefined;
  readonly log: string;
}

async function attempt(tag: string, rules: string, { env: environment = {}, files = {}, dockerfile, policies = ["log-level=debug"] }: Situation = {}): Promise<Attempt> {
  const policy = `package docker\ndefault allow := false\nallow if input.local\nallow if {\n${rules}\n}\ndecision := {"allow": allow}\n`;
  const context = await directory({ Dockerfile: dockerfile ?? `FROM --platform=linux/amd64 ${registry.host}/r:${tag}\n`, "Dockerfile.rego": policy, ...files });
  const run = build({ context, env: { ...env, ...environment }, outputs: ["type=cacheonly"], policies, root: join(path, "state") });
  let log = "";
  run.result.catch(() => undefined);
  for await (const event of run.events) if (event.kind === "step-output") log += Buffer.from(event.bytes).toString();
  return { log, failure: await run.result.then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error))) };
}

async function allowed(tag: string, rules: string, situation?: Situation): Promise<Attempt> {
  const made = await attempt(tag, rules, situation);
  assert.equal(made.failure, undefined, `${rules}\n${made.log}`);
  return made;
}

async function denied(tag: string, rules: string, situation?: Situation): Promise<Attempt> {
  const made = await attempt(tag, rules, situation);
  assert.match(made.failure ?? "", /not allowed by policy: action DENY$/, `${rules}\n${made.log}`);
  return made;
}

describe("a policy sees what an image's provenance says", { skip: dockerRegistrySkip }, () => {
  test("of its builder, its build and its arguments, in both versions of the format", async () => {
    for (const [tag, rules] of [
      ["v1", 'p.predicateType == "https://slsa.dev/provenance/v1"\np.builderID == "https://builder.example/1"\np.completeness == {"parameters": true, "materials": false}'],
      ["v02", 'p.predicateType == "https://slsa.dev/provenance/v0.2"\np.builderID == "https://builder.example/2"\np.completeness == {"parameters": true, "environment": true, "materials": false}'],
    ] as const) {
      const { log } = await allowed(tag, `p := input.image.provenance\n${rules}\np.frontend == "dockerfile.v0"\np.configSource.path == "Dockerfile"\np.buildArgs == {"WHO": "me"}
p.rawArgs["build-arg:WHO"] == "me"\np.reproducible == false\np.hermetic == false\ntime.parse_rfc3339_ns(p.startedOn) <= time.now_ns()\ncount(p.materials) == 2`);
      assert.match(log, /resolve missing fields \[image\.provenance\]/);
      await denied(tag, 'input.image.provenance.builderID == "https://builder.example/3"');
    }
    await allowed("bare", "not input.image.provenance\nnot input.image.hasProvenance");
    await denied("bare", "input.image.provenance.builderID");
    // Records of mode=min have no arguments.
    await allowed("base", "input.image.provenance.buildType\nnot input.image.provenance.buildArgs");
  });

  test("of what it was made of, which is asked about like any source, also what that was made of", async () => {
    const materials = `m := input.image.provenance.materials\nsome image in m\nimage.image.repo == "${registry.host}/r"\nimage.image.tag == "base"\nimage.image.checksum == "${base}"\nimage.env.depth == 1
some file in m\nfile.http.url == "${web.origin}/file"`;
    await allowed("v1", materials);
    await allowed("v02", materials);
    const { log } = await allowed("v1", `some m in input.image.provenance.materials\nm.image.labels.owner == "base"`);
    assert.match(log, /resolve missing fields \[image\.provenance\.materials\[0\]\.image\.labels\]/);
    await denied("v1", `some m in input.image.provenance.materials\nm.image.labels.owner == "other"`);
    await allowed("top", `some m in input.image.provenance.materials\nsome n in m.image.provenance.materials\nn.image.labels.owner == "base"\nn.env.depth == 2\nn.env.filename == "Dockerfile"`);
    await denied("top", `some m in input.image.provenance.materials\nsome n in m.image.provenance.materials\nn.image.labels.owner == "top"`);
  });
});

/** The manifest with the statements about an image that we have built and pushed. */
async function built(tag: string, request: Partial<Omit<BuildRequest, "root">> = {}): Promise<{ readonly image: Descriptor; readonly attestation: Descriptor }> {
  const digest = parseDigest(await publish(tag, `FROM scratch\nCOPY own /\nLABEL tag=${tag}\n`, request));
  const { bytes } = await client.repository({ domain: registry.host, path: "r" }, "push").manifest(digest, signal);
  const [image, attestation] = (JSON.parse(Buffer.from(bytes).toString("utf8")) as ImageIndex).manifests;
  assert.ok(image !== undefined && attestation !== undefined);
  return { image, attestation };
}

const hex = (descriptor: Descriptor): string => descriptor.digest.slice("sha256:".length);
const isSigned = 'some s in input.image.signatures\ns.signer.sourceRepositoryURI == "https://github.com/a/b"';

describe("a policy sees which signatures an image has", { skip: dockerRegistrySkip }, () => {
  test("that hold for its provenance, with the signer and the time", async () => {
    const { attestation } = await built("signed");
    await samples.referrer(attestation, SIGSTORE_BUNDLE, await sigstore.attest(hex(attestation), "https://sigstore.dev/cosign/sign/v1", { extensions: { 12: "https://github.com/a/b" } }));
    await allowed("signed", isSigned, trusting);
    await allowed("signed", `count(input.image.signatures) == 1\ns := input.image.signatures[0]\ns.kind == "untrusted"\ns.type == "bundle-v0.3"\ns.signer.issuer == "https://issuer.example"
s.signer.subjectAlternativeName == "https://example.com/builder"\ns.timestamps[0].type == "Tlog"\ntime.parse_rfc3339_ns(s.timestamps[0].timestamp) <= time.now_ns()\ninput.image.hasProvenance`, trusting);
    // It is signed, and not by whom this asks for.
    await denied("signed", 'docker_github_builder(input.image, "a/b")', trusting);
    await denied("signed", 'some s in input.image.signatures\ns.signer.sourceRepositoryURI == "https://github.com/a/c"', trusting);
  });

  test("and none that is of another image, of others' authorities, or that nobody made", async () => {
    const { attestation } = await built("other");
    const none = "not input.image.signatures";
    await allowed("other", none, trusting);
    await denied("other", isSigned, trusting);
    await allowed("bare", none, trusting);
    const options = { extensions: { 12: "https://github.com/a/b" } };
    await samples.referrer(attestation, SIGSTORE_BUNDLE, await sigstore.attest("c".repeat(64), "https://sigstore.dev/cosign/sign/v1", options));
    await samples.referrer(attestation, SIGSTORE_BUNDLE, await (await startTestSigstore()).attest(hex(attestation), "https://sigstore.dev/cosign/sign/v1", options));
    await samples.referrer(attestation, SIGSTORE_BUNDLE, Buffer.from("{}"));
    const { log } = await denied("other", isSigned, trusting);
    assert.match(log, /failed to parse image signatures: sha256:\w+: verifying bundle: its statement is not about sha256:/);
    await allowed("other", none, trusting);
  });

  test("only where what is signed says itself that it is about the image", async () => {
    // An index may have any attestations beside any image: it is not signed.
    const [{ image }, { attestation }] = [await built("victim"), await built("donor")];
    await samples.referrer(attestation, SIGSTORE_BUNDLE, await sigstore.attest(hex(attestation), "https://sigstore.dev/cosign/sign/v1", { extensions: { 12: "https://github.com/a/b" } }));
    await allowed("donor", isSigned, trusting);
    await samples.index([image, { ...attestation, annotations: { ...attestation.annotations, "vnd.docker.reference.digest": image.digest } }], "swapped");
    const { log } = await denied("swapped", isSigned, trusting);
    assert.match(log, /is not about the image manifest/);
    const old = await built("old", { tags: [], push: false, outputs: [`type=image,oci-artifact=false,push=true,name=${registry.host}/r:old`] });
    await samples.referrer(old.attestation, SIGSTORE_BUNDLE, await sigstore.attest(hex(old.attestation), "https://sigstore.dev/cosign/sign/v1", { extensions: { 12: "https://github.com/a/b" } }));
    assert.match((await denied("old", isSigned, trusting)).log, /has no subject/);
  });
});

/** As `cosign sign --registry-referrers-mode=oci-1-1` keeps a signature. */
async function cosigned({ mediaType, digest, size }: Descriptor, { payload, annotations }: TestSimpleSignature): Promise<Descriptor> {
  const layer = { ...(await samples.blob("application/vnd.dev.cosign.simplesigning.v1+json", payload)), annotations };
  const config = await samples.blob("application/vnd.dev.cosign.artifact.sig.v1+json", Buffer.from("{}"));
  return await samples.manifest({ mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer], subject: { mediaType, digest, size } }, undefined);
}

test("a policy sees signatures in the form that cosign had before bundles", { skip: dockerRegistrySkip }, async () => {
  const { attestation } = await built("cosigned");
  const signed = await sigstore.signSimply(attestation.digest, { extensions: { 12: "https://github.com/a/b" } });
  await cosigned(attestation, signed);
  await allowed("cosigned", `${isSigned}\ncount(input.image.signatures) == 1\ns.type == "simplesigning-v1"\ns.kind == "untrusted"\ns.dockerReference == "docker.io/a/b"\ns.timestamps[0].type == "Tlog"\ns.signer.issuer == "https://issuer.example"`, trusting);
  await denied("cosigned", 'docker_github_builder(input.image, "a/b")', trusting);
  // It is the statements that have to be signed, by the signature itself: not the image, and not by the place where it lies.
  const wrong = await built("miscosigned");
  await cosigned(wrong.image, await sigstore.signSimply(wrong.image.digest, { extensions: { 12: "https://github.com/a/b" } }));
  await allowed("miscosigned", "not input.image.signatures", trusting);
  await cosigned(wrong.attestation, signed);
  const { "dev.sigstore.cosign/bundle": _, ...unlogged } = (await sigstore.signSimply(wrong.attestation.digest, { extensions: { 12: "https://github.com/a/b" } })).annotations;
  await cosigned(wrong.attestation, { ...(await sigstore.signSimply(wrong.attestation.digest)), annotations: unlogged });
  const { log } = await denied("miscosigned", isSigned, trusting);
  assert.match(log, /failed to parse image signatures: sha256:\w+: simple signing payload has docker-manifest-digest sha256:/);
  assert.match(log, /simple signing layer has no annotation dev\.sigstore\.cosign\/bundle/);
  // A list under the fallback tag may name what refers to something else.
  const listed = await built("mislisted");
  const other = await cosigned(attestation, await sigstore.signSimply(listed.attestation.digest, { extensions: { 12: "https://github.com/a/b" } }));
  await samples.index([{ ...other, artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json" }], listed.attestation.digest.replace(":", "-"));
  assert.match((await denied("mislisted", isSigned, trusting)).log, /signature manifest is not about the attestation manifest/);
});

/** An index as Docker's hardened images have it, with a provenance that refers to the image. */
async function hardened(tag: string): Promise<Descriptor> {
  const { image } = await built(tag);
  await samples.manifest({ mediaType: MEDIA_TYPE.ociIndex, manifests: [{ ...image, annotations: { "com.docker.dhi.build.id": "1" } }], annotations: { "org.opencontainers.image.title": "dhi/x" } }, tag);
  const { bytes } = sampleStatement(image.digest, SLSA_V1, { buildDefinition: { buildType: "https://example.com/type" }, runDetails: { builder: { id: "https://builder.example/dhi" } } });
  const annotations = { "in-toto.io/predicate-type": SLSA_V1 };
  const layer = { ...(await samples.blob("application/vnd.in-toto+json", bytes)), annotations };
  const config = await samples.blob("application/vnd.in-toto+json", Buffer.from("{}"));
  const { mediaType, digest, size } = image;
  return await samples.manifest({ mediaType: MEDIA_TYPE.ociManifest, artifactType: "application/vnd.in-toto+json", config, layers: [layer], subject: { mediaType, digest, size }, annotations }, undefined);
}

test("a policy sees the provenance of one of Docker's hardened images, and signatures of it by the key that is believed", { skip: dockerRegistrySkip }, async () => {
  const statements = await hardened("hardened");
  await allowed("hardened", 'input.image.hasProvenance\ninput.image.provenance.builderID == "https://builder.example/dhi"', trusting);
  await denied("hardened", 'input.image.provenance.builderID == "https://builder.example/1"', trusting);
  await allowed("hardened", "not input.image.signatures", trusting);
  const [key, other] = [newKey(), newKey()];
  await cosigned(statements, await sigstore.signSimply(statements.digest, { signer: "key", key }));
  assert.match((await attempt("hardened", "not input.image.signatures", trusting)).failure ?? "", /input\.image\.signatures, which cannot be told: there is nobody to believe about Docker's hardened images: STEMMA_DHI_PUBLIC_KEY has to name a file/);
  const files = await directory({ "own.pem": String(key.publicKey.export({ format: "pem", type: "spki" })), "other.pem": String(other.publicKey.export({ format: "pem", type: "spki" })), "none.pem": "none" });
  const by = (name: string): Situation => ({ env: { ...trusting.env, STEMMA_DHI_PUBLIC_KEY: join(files, name) } });
  await allowed("hardened", 'input.image.signatures == [{"kind": "docker-hardened-image", "type": "simplesigning-v1", "dockerReference": "docker.io/a/b", "isDHI": true, "timestamps": input.image.signatures[0].timestamps}]', by("own.pem"));
  await allowed("hardened", "not input.image.signatures", by("other.pem"));
  assert.match((await attempt("hardened", "not input.image.signatures", by("none.pem"))).failure ?? "", /STEMMA_DHI_PUBLIC_KEY: .*none\.pem is no public key in PEM/);
  // A certificate that is believed elsewhere is nothing here.
  const certified = await hardened("certified");
  await cosigned(certified, await sigstore.signSimply(certified.digest));
  await samples.referrer(certified, SIGSTORE_BUNDLE, await sigstore.attest(hex(certified), "https://sigstore.dev/cosign/sign/v1"));
  const { log } = await denied("certified", "input.image.signatures", by("own.pem"));
  assert.match(log, /names a certificate, and no key/);
});

test("a policy that asks for signatures of which nothing can be told stops the build", { skip: dockerRegistrySkip }, async () => {
  const { attestation } = await built("told");
  await samples.referrer(attestation, SIGSTORE_BUNDLE, await sigstore.attest(hex(attestation), "https://sigstore.dev/cosign/sign/v1"));
  const untold = async (tag: string, situation: Situation, says: RegExp): Promise<void> => assert.match((await attempt(tag, "not input.image.signatures", situation)).failure ?? "", says);
  await untold("told", {}, /asks for input\.image\.signatures, which cannot be told: there is nobody to believe: STEMMA_SIGSTORE_TRUSTED_ROOT has to name a file/);
  await untold("told", { env: { STEMMA_SIGSTORE_TRUSTED_ROOT: join(path, "none") } }, /STEMMA_SIGSTORE_TRUSTED_ROOT: ENOENT/);
  await untold("told", { env: { STEMMA_SIGSTORE_TRUSTED_ROOT: join(import.meta.dirname, "policy.test.ts") } }, /no trusted root of Sigstore/);
  await untold("cosigned", {}, /cannot be told: there is nobody to believe/);
});

test("a policy has the attestation of a web file verified", { skip: dockerRegistrySkip }, async () => {
  const sha256 = createHash("sha256").update("hello").digest("hex");
  const dockerfile = `FROM scratch\nADD ${web.origin}/file /\n`;
  const rules = 'artifact_attestation(input.http, "bundle.json").signer.sourceRepositoryURI == "https://github.com/a/b"';
  const options = { extensions: { 12: "https://github.com/a/b" } };
  const of = async (digest: string, type: string): Promise<Situation> => ({ ...trusting, dockerfile, files: { "bundle.json": JSON.stringify(await sigstore.attest(digest, type, options)) } });
  await allowed("", rules, await of(sha256, "https://slsa.dev/provenance/v1"));
  await denied("", rules, await of("d".repeat(64), "https://slsa.dev/provenance/v1"));
  assert.match((await denied("", rules, await of(sha256, "https://spdx.dev/Document"))).log, /unexpected predicate type "https:\/\/spdx\.dev\/Document", expecting SLSA provenance/);
  await denied("", rules, { ...trusting, dockerfile });
  assert.match((await attempt("", rules, { ...(await of(sha256, "https://slsa.dev/provenance/v1")), env: {} })).failure ?? "", /which cannot be done: there is nobody to believe/);
});

describe("a policy has the attestations of a web file verified that GitHub has", { skip: dockerRegistrySkip === false ? opensslSkip : dockerRegistrySkip }, () => {
  const sha256 = createHash("sha256").update("hello").digest("hex");
  const released = "https://github.com/a/b/releases/download/v1/file";
  const list = `api.github.com /repos/a/b/attestations/sha256:${sha256}?predicate_type=https%3A%2F%2Fslsa.dev%2Fprovenance%2Fv1`;
  const rules = 'github_attestation(input.http, "a/b").signer.sourceRepositoryURI == "https://github.com/a/b"';
  const signed = async (digest = sha256): Promise<object> => await sigstore.attest(digest, "https://slsa.dev/provenance/v1", { extensions: { 12: "https://github.com/a/b" } });
  let answers: ReadonlyMap<string, string | Buffer | number>;
  let github: HttpFixture;
  let proxy: ProxyFixture;
  let certificates: Certificates;
  before(async () => {
    certificates = await makeCertificates("api.github.com", "github.com", "blobs.example");
    // Behind the proxy that stands for the world.
    github = await serve(({ headers: { host }, url }, response) => {
      const answer = url === new URL(released).pathname ? "hello" : answers.get(`${host} ${url}`) ?? 404;
      response.statusCode = typeof answer === "number" ? answer : 200;
      response.end(typeof answer === "number" ? "" : answer);
    });
    proxy = await serveProxy(certificates.server, github.origin);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await github[Symbol.asyncDispose]();
    await certificates[Symbol.asyncDispose]();
  });
  const offering = (given: Readonly<Record<string, string | Buffer | number>>, more: Readonly<Record<string, string>> = {}): Situation => {
    answers = new Map(Object.entries(given));
    return { dockerfile: `FROM scratch\nADD ${released} /\n`, env: { ...trusting.env, HTTPS_PROXY: proxy.url, SSL_CERT_FILE: certificates.caPath, ...more } };
  };
  const listed = (...attestations: readonly object[]): string => JSON.stringify({ attestations });

  test("in its list, or where that says they are", async () => {
    await allowed("", rules, offering({ [list]: listed({ bundle: await signed("c".repeat(64)) }, { bundle: await signed() }) }));
    await allowed("", 'github_release_attestation(input.http).signer.sourceRepositoryURI == "https://github.com/a/b"', offering({ [list]: listed({ bundle: await signed() }) }));
    const bundle = Buffer.from(JSON.stringify(await signed()));
    // One literal: as long as it is, and then it.
    const compressed = Buffer.concat([Buffer.from([(bundle.length & 0x7f) | 0x80, (bundle.length >> 7) & 0x7f, 61 << 2, (bundle.length - 1) & 0xff, (bundle.length - 1) >> 8]), bundle]);
    await allowed("", rules, offering({ [list]: listed({ bundle: null, bundle_url: "https://blobs.example/x.json.sn?sig=1" }), "blobs.example /x.json.sn?sig=1": compressed }));
    await allowed("", rules, offering({ [list]: listed({ bundle_url: "https://blobs.example/x.json" }), "blobs.example /x.json": bundle }));
  });

  test("and none that is of another file, by others, or not there", async () => {
    const none = 'not github_attestation(input.http, "a/b")';
    for (const [what, given, says] of [
      ["no list", {}, /no bundle found for a\/b@sha256:/], ["an empty list", { [list]: listed() }, /no bundle found/], ["another file's", { [list]: listed({ bundle: await signed("c".repeat(64)) }) }, /statement is not about sha256:/],
      ["others'", { [list]: listed({ bundle: await (await startTestSigstore()).attest(sha256, "https://slsa.dev/provenance/v1") }) }, /failed verifying bundle for a\/b@sha256:/],
      ["another kind", { [list]: listed({ bundle: await sigstore.attest(sha256, "https://spdx.dev/Document") }) }, /expecting SLSA provenance/], ["what is no bundle", { [list]: listed({ bundle: {} }, {}) }, /loading signature bundle/],
    ] as const) {
      const { log } = await denied("", rules, offering(given));
      assert.match(log, says, what);
    }
    await allowed("", none, offering({ [list]: listed() }));
    await denied("", 'github_attestation(input.http, "a/b/../c")', offering({}));
  });

  test("or else stops the build, where that cannot be told", async () => {
    const untold = async (situation: Situation, says: RegExp): Promise<void> => assert.match((await attempt("", 'not github_attestation(input.http, "a/b")', situation)).failure ?? "", says);
    await untold(offering({ [list]: listed({ bundle: await signed() }) }, { STEMMA_SIGSTORE_TRUSTED_ROOT: "" }), /which cannot be done: there is nobody to believe/);
    await untold(offering({ [list]: 403 }), /cannot be done: github_attestation: https:\/\/api\.github\.com\/repos\/a\/b\/attestations\/sha256:\w+ answered with status 403/);
    await untold(offering({ [list]: "{" }), /what is no JSON/);
    await untold(offering({ [list]: listed({ bundle: await signed("c".repeat(64)), bundle_url: "https://blobs.example/gone?sig=1" }) }), /https:\/\/blobs\.example\/gone is not there/);
  });
});

test("buildx's own policy, where it is switched on, denies an image of Docker's that nobody has signed", { skip: dockerRegistrySkip }, async () => {
  const settings = await directory({ "stemma/stemma.toml": `[registry."docker.io"]\nmirrors = ["${registry.host}"]\n[registry."${registry.host}"]\nhttp = true\n` });
  await publish("x", "FROM scratch\nCOPY own /\n", { tags: ["1.9", "1.10"].map((tag) => `${registry.host}/docker/buildkit-syft-scanner:${tag}`), platforms: ["linux/amd64"], provenance: "false" });
  const of = (tag: string, more: Readonly<Record<string, string>>): Situation => ({ dockerfile: `FROM --platform=linux/amd64 docker.io/docker/buildkit-syft-scanner:${tag}\n`, env: { XDG_CONFIG_HOME: settings, ...trusting.env, ...more } });
  await allowed("", "input.image", of("1.10", {}));
  await allowed("", "input.image", of("1.9", { BUILDX_DEFAULT_POLICY: "1" }));
  const { log } = await denied("", "input.image", of("1.10", { BUILDX_DEFAULT_POLICY: "1" }));
  assert.match(log, / - image docker\.io\/docker\/buildkit-syft-scanner:1\.10 is not allowed by default policy: a verified docker-github-builder signature is required for 1\.10 tag/);
  await allowed("", "input.image", { ...of("1.10", { BUILDX_DEFAULT_POLICY: "1" }), policies: ["disabled=true"] });
});
