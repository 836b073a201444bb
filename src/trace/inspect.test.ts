import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Descriptor } from "../oci/descriptor.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { TemplateError } from "../template/template-error.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { LayoutDirectory } from "../testing/layout-directory.ts";
import { openSampleImage } from "../testing/sample-image.ts";
import { ImageError } from "./image-error.ts";
import { inspectImage } from "./inspect.ts";
import { openImage, type ImageSources } from "./open-image.ts";

const never = new AbortController().signal;
const samples = conformanceFolder("samples");

const noRegistry: ImageSources = {
  repository: () => {
    throw new Error("no registry is to be asked");
  },
};

async function inspectSample(sample: string, format: string, raw = false): Promise<string> {
  await using image = await openSampleImage(join(samples.path, sample, "registry"));
  await using open = await openImage(image.name, { client: image.client, cwd: "/" }, never);
  return Buffer.from(await inspectImage(open, { format, raw }, never)).toString();
}

function expected(sample: string): string {
  return readFileSync(join(samples.path, sample, "stdout"), "utf8");
}

test("prints what buildx prints of the same image", { skip: samples.skip }, async () => {
  const rows: ReadonlyArray<readonly [sample: string, image: string, format: string, raw?: boolean]> = [
    ["40-imagetools-default", "02-prov-max", ""],
    ["41-imagetools-raw", "02-prov-max", "", true],
    ["42-imagetools-slsa", "02-prov-max", "{{ json .Provenance.SLSA }}"],
    ["42b-imagetools-slsa-v1", "03-prov-max-v1", "{{ json .Provenance.SLSA }}"],
    ["42c-imagetools-slsa-multi", "11-multi-platform", "{{ json .Provenance }}"],
    ["42d-imagetools-slsa-default", "01-default", "{{ json .Provenance.SLSA }}"],
    ["43-imagetools-provenance", "02-prov-max", "{{ json .Provenance }}"],
    ["44-imagetools-image", "02-prov-max", "{{ json .Image }}"],
    ["45-imagetools-manifest", "02-prov-max", "{{ json .Manifest }}"],
    ["46-imagetools-all", "02-prov-max", "{{ json . }}"],
    ["47-imagetools-sbom", "10-sbom-fake-scanner", "{{ json .SBOM }}"],
  ];
  for (const [sample, image, format, raw] of rows) {
    const cmd = readFileSync(join(samples.path, sample, "cmd"), "utf8");
    if (format !== "") assert.ok(cmd.includes(`--format '${format}'`), cmd);
    assert.equal(await inspectSample(image, format, raw), expected(sample), sample);
  }
});

test("shows every sample as text, index or not", { skip: samples.skip }, async () => {
  assert.match(await inspectSample("07-prov-false", ""), /^Name:\s+127\.0\.0\.1:5555\/s\/prov-false:1\nMediaType: application\/vnd\.oci\.image\.manifest\.v1\+json\nDigest:    sha256:[0-9a-f]{64}\n$/);
  assert.equal(await inspectSample("11-multi-platform", "{{ .Manifest }}"), await inspectSample("11-multi-platform", ""));
});

test("runs Docker's documented pipelines on both shapes of the record", { skip: samples.skip }, async () => {
  const dockerfile = readFileSync(join(samples.path, "src/Dockerfile"), "utf8");
  const v02 = '{{ range (index .Provenance.SLSA.metadata "https://mobyproject.org/buildkit@v1#metadata").source.infos }}{{ if eq .filename "Dockerfile" }}{{ .data }}{{ end }}{{ end }}';
  const v1 = '{{ range .Provenance.SLSA.runDetails.metadata.buildkit_metadata.source.infos }}{{ if eq .filename "Dockerfile" }}{{ .data }}{{ end }}{{ end }}';
  assert.equal(Buffer.from(await inspectSample("04-prov-max-v02", v02), "base64").toString(), dockerfile);
  assert.equal(Buffer.from(await inspectSample("03-prov-max-v1", v1), "base64").toString(), dockerfile);
  assert.equal(await inspectSample("04-prov-max-v02", "{{ json .Provenance.SLSA.invocation.configSource }}"), '{\n  "entryPoint": "Dockerfile"\n}');
  assert.equal(await inspectSample("11-multi-platform", '{{ json (index .Provenance "linux/arm64").SLSA.buildDefinition.internalParameters.builderPlatform }}'), '"linux/amd64"');
  assert.equal(await inspectSample("11-multi-platform", '{{ range $platform, $image := .Image }}{{ $platform }} {{ $image.Architecture }};{{ end }}'), "linux/amd64 amd64;linux/arm64 arm64;");
  assert.equal(await inspectSample("02-prov-max", "{{ (index .Provenance.SLSA.runDetails.metadata.buildkit_metadata.layers \"step0:0\") }}").then((text) => text.includes("size:1.227848e+06")), true);
});

test("runs every template that the documentation gives", { skip: samples.skip }, async () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/imagetools.md"), "utf8");
  const templates = text.slice(text.indexOf("## Templates")).split("\n").filter((line) => line.startsWith("{{"));
  assert.ok(templates.length > 15);
  for (const template of templates) {
    const sample = /"linux\/|\$platform/.test(template) ? "11-multi-platform" : template.includes("SBOM") ? "10-sbom-fake-scanner" : /invocation|materials|metadata "/.test(template) ? "04-prov-max-v02" : "03-prov-max-v1";
    const output = await inspectSample(sample, template);
    assert.ok(output.length > 2 && !output.includes("<no value>") && output !== "null", `${template}: ${output.slice(0, 100)}`);
  }
});

test("shows nothing for what is not recorded", { skip: samples.skip }, async () => {
  assert.equal(await inspectSample("07-prov-false", "{{ json .Provenance }}{{ json .SBOM }}"), "{}{}");
  assert.equal(await inspectSample("02-prov-max", "{{ json .SBOM }} {{ json .SBOM.SPDX }}"), "{} null");
});

test("refuses --raw with --format, and a template that is wrong", { skip: samples.skip }, async () => {
  await assert.rejects(inspectSample("02-prov-max", "{{.Name}}", true), (error) => error instanceof ImageError && error.code === "usage" && error.message === "format and raw cannot be used together");
  await assert.rejects(inspectSample("02-prov-max", "{{.Nope}}"), (error) => error instanceof TemplateError && error.message.endsWith("can't evaluate field Nope in type imagetools.tplInput"));
});

test("finds statements in envelopes, in old and new forms, and by the registry's referrers", async () => {
  using layout = new LayoutDirectory();
  const statement = { _type: "https://in-toto.io/Statement/v1", predicateType: "https://slsa.dev/provenance/v0.2", predicate: { buildType: "test" } };
  const config = layout.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } });
  const image = layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [] });
  const annotations = { "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" };
  const plain = { ...layout.add(MEDIA_TYPE.inToto, statement), annotations };
  const envelope = { ...layout.add("application/vnd.in-toto.provenance+dsse", { payloadType: "x", payload: Buffer.from(JSON.stringify(statement)).toString("base64"), signatures: [] }), annotations };
  const other = { ...layout.add("application/json", statement), annotations };
  const holder = (layers: readonly object[]): ReturnType<LayoutDirectory["add"]> => layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers, subject: image });
  const indexWith = (reference: object): ReturnType<LayoutDirectory["add"]> =>
    layout.add(MEDIA_TYPE.ociIndex, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [{ ...image, platform: { architecture: "amd64", os: "linux" } }, reference] });
  const unknown = { architecture: "unknown", os: "unknown" };
  layout.tag(indexWith({ ...holder([plain]), platform: unknown, annotations: { "com.docker.reference.digest": image.digest } }), "old-annotation");
  layout.tag(indexWith({ ...holder([envelope]), platform: unknown, annotations: { "vnd.docker.reference.digest": image.digest } }), "envelope");
  layout.tag(indexWith({ ...holder([other]), platform: unknown, annotations: { "vnd.docker.reference.digest": image.digest } }), "other-type");
  const show = async (name: string): Promise<string> => {
    await using open = await openImage(`oci-layout://${layout.path}${name}`, { client: noRegistry, cwd: "/" }, never);
    return Buffer.from(await inspectImage(open, { format: "{{with .Provenance.SLSA}}{{json .buildType}}{{else}}null{{end}}", raw: false }, never)).toString();
  };
  assert.equal(await show(":old-annotation"), '"test"');
  assert.equal(await show(":envelope"), '"test"');
  assert.equal(await show(":other-type"), "null");
  assert.equal(await show(`@${image.digest}`), "null");
  layout.tag(holder([plain]), "referrer");
  assert.equal(await show(`@${image.digest}`), '"test"');
});

test("fetches evidence only if the template asks for it", { skip: samples.skip }, async () => {
  await using image = await openSampleImage(join(samples.path, "10-sbom-fake-scanner/registry"));
  const asked: string[] = [];
  const client: ImageSources = {
    repository: () => {
      const source = image.client.repository();
      return { ...source, blob: (descriptor, signal) => { asked.push((descriptor as Descriptor).mediaType); return source.blob(descriptor, signal); } };
    },
  };
  const mediaTypes = async (format: string): Promise<string[]> => {
    await using open = await openImage(image.name, { client, cwd: "/" }, never);
    await inspectImage(open, { format, raw: false }, never);
    return asked.splice(0);
  };
  assert.deepEqual(await mediaTypes(""), []);
  assert.deepEqual(await mediaTypes("{{json .Image}}"), [MEDIA_TYPE.ociConfig]);
  assert.deepEqual(await mediaTypes("{{json .SBOM}}"), [MEDIA_TYPE.ociConfig, MEDIA_TYPE.inToto]);
});

test("refuses indexes that nest without end, and documents that are none", async () => {
  using layout = new LayoutDirectory();
  let inner = layout.add(MEDIA_TYPE.ociIndex, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [] });
  for (let depth = 0; depth < 6; depth += 1) inner = layout.add(MEDIA_TYPE.ociIndex, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: [inner] });
  layout.tag(inner, "deep");
  layout.tag(layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, layers: "none" }), "bad");
  const show = async (tag: string): Promise<unknown> => {
    await using open = await openImage(`oci-layout://${layout.path}:${tag}`, { client: noRegistry, cwd: "/" }, never);
    return await inspectImage(open, { format: "{{.Name}}", raw: false }, never);
  };
  await assert.rejects(show("deep"), (error) => error instanceof ImageError && error.code === "corrupt" && error.message.includes("nested deeper"));
  await assert.rejects(show("bad"), (error) => error instanceof ImageError && error.code === "corrupt");
  await assert.rejects(show("none"), (error) => error instanceof ImageError && error.code === "not-found");
});
