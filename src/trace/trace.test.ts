import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CorruptBlobError } from "../content/blob-store.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { LayoutDirectory } from "../testing/layout-directory.ts";
import { layoutWithLayers } from "../testing/sample-layers.ts";
import { openSampleImage } from "../testing/sample-image.ts";
import { ImageError } from "./image-error.ts";
import { openImage, type ImageSources } from "./open-image.ts";
import { traceImage } from "./trace.ts";
import type { TraceAnswer, TracedLayer, TraceQuestion } from "./trace-answer.ts";
import { traceText } from "./trace-text.ts";

const never = new AbortController().signal;
const samples = conformanceFolder("samples");

const noRegistry: ImageSources = {
  repository: () => {
    throw new Error("no registry is to be asked");
  },
};

async function trace(layout: LayoutDirectory, question: TraceQuestion, platform?: string): Promise<TraceAnswer> {
  await using open = await openImage(`oci-layout://${layout.path}`, { client: noRegistry, cwd: "/" }, never);
  return await traceImage(open, question, platform, never);
}

function places({ origin }: TracedLayer): string {
  if (origin.kind === "unknown") return "?";
  const lines = origin.step.lines.map(({ start, end }) => (start === end ? `${start}` : `${start}-${end}`)).join(",");
  return `${origin.kind} ${origin.step.id} ${lines} ${origin.match.by}`;
}

for (const [sample, shape] of [["02-prov-max", "v1"], ["04-prov-max-v02", "v0.2"]] as const) {
  test(`walks from a file to its lines and its revision on BuildKit's record of shape ${shape}`, { skip: samples.skip }, async () => {
    using layout = await layoutWithLayers(join(samples.path, sample, "registry"));
    const answer = await trace(layout, { kind: "path", path: "/out.txt" });
    assert.equal(answer.path?.kind === "found" && answer.path.entry.sizeBytes, 24);
    assert.deepEqual(answer.layers.map(places), ["step step5 16 digest"]);
    const [layer] = answer.layers;
    assert.ok(layer?.origin.kind === "step");
    assert.deepEqual(layer.origin.step.lines, [{ file: "Dockerfile", start: 16, end: 16, text: ["COPY --from=build /src/out.txt /out.txt"] }]);
    assert.deepEqual(layer.origin.step.inputs.map(({ id, lines }) => [id, lines.at(-1)?.start, lines.at(-1)?.end]), [["step0", 13, 13], ["step4", 7, 8]]);
    assert.equal(layer.createdBy, "COPY /src/out.txt /out.txt # buildkit");
    assert.deepEqual(answer.revision, { commit: "65fcfad333c7620077a1bdb5e30ba8273174e59c", source: "https://github.com/example/sample.git", basis: "claim", differing: undefined });
    assert.deepEqual(answer.missing, []);
    assert.equal(answer.record?.predicateType, `https://slsa.dev/provenance/${shape}`);
  });
}

test("names the base, with its package URL, for what it brought", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const answer = await trace(layout, { kind: "path", path: "bin/ls" });
  assert.ok(answer.layers[0]?.origin.kind === "base");
  assert.equal(answer.layers[0].origin.base.purl, "pkg:docker/busybox@latest?platform=linux%2Famd64");
  assert.match(answer.layers[0].origin.base.reference, /^docker\.io\/library\/busybox:latest@sha256:[0-9a-f]{64}$/);
  assert.equal(answer.path?.kind === "found" && answer.path.entry.kind, "hardlink");
});

test("tells which layer took a file away, and which line did", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const answer = await trace(layout, { kind: "path", path: "/etc/localtime" });
  assert.deepEqual([answer.path?.kind, ...answer.layers.map(places)], ["hidden", "step step9 18 digest"]);
  assert.deepEqual((await trace(layout, { kind: "path", path: "/no/such" })).path, { kind: "absent", path: "no/such", followed: [] });
});

test("walks from a line to its steps and layers, also where they are of another stage", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const line = async (number: number): Promise<readonly [steps: string[], layers: number[]]> => {
    const answer = await trace(layout, { kind: "line", line: number, file: undefined });
    return [answer.steps.map(({ id }) => id), answer.layers.map((layer) => layer.number)];
  };
  assert.deepEqual(await line(17), [["step8"], [3]]);
  assert.deepEqual(await line(8), [["step4"], []]);
  assert.deepEqual(await line(13), [["step0"], [1]]);
  assert.deepEqual(await line(20), [[], []]);
  await assert.rejects(line(400), (error) => error instanceof ImageError && error.code === "usage");
  await assert.rejects(trace(layout, { kind: "line", line: 1, file: "Other" }), /no file Other; it has Dockerfile/);
});

test("finds a layer by digest, by diff id and by first digits", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const all = (await trace(layout, { kind: "layers" })).layers;
  assert.deepEqual(all.map(places), ["base step0 2,13 digest", "step step5 16 digest", "step step8 17 digest", "step step9 18 digest"]);
  const third = all[2];
  assert.ok(third?.diffId !== undefined);
  for (const digest of [third.descriptor.digest, third.descriptor.digest.slice("sha256:".length, 20), third.diffId]) {
    assert.deepEqual((await trace(layout, { kind: "layer", digest })).layers.map((layer) => layer.number), [3]);
  }
  await assert.rejects(trace(layout, { kind: "layer", digest: "sha256:00000000" }), (error) => error instanceof ImageError && error.code === "not-found");
  await assert.rejects(trace(layout, { kind: "layer", digest: "xyz" }), (error) => error instanceof ImageError && error.code === "usage");
});

test("follows layers whose bytes were rewritten, through COPY --link, into here-documents", { skip: samples.skip }, async () => {
  const origins = async (sample: string): Promise<string[]> => {
    using layout = await layoutWithLayers(join(samples.path, "rebuildable", sample, "max-v1/registry"));
    return (await trace(layout, { kind: "layers" })).layers.map(places);
  };
  assert.deepEqual(await origins("93-scratch-link"), ["step step1 3 position", "step step2 4 position", "step step4 5 position"]);
  assert.deepEqual(await origins("92-multi-stage"), ["base step0 2,11 digest", "step step5 13 position", "step step7 14 position", "step step9 15-17 position", "step step10 18-22 position"]);
  assert.equal((await origins("90-files-and-modes"))[6], "step step7 9 position");
});

test("says what a record of mode=min lacks, and guesses nothing", { skip: samples.skip }, async () => {
  for (const sample of ["05-prov-min-v1", "06-prov-min-v02"]) {
    using layout = await layoutWithLayers(join(samples.path, sample, "registry"));
    const answer = await trace(layout, { kind: "path", path: "/out.txt" });
    assert.deepEqual(answer.layers.map(places), ["?"]);
    assert.match(answer.missing.join(), /mode=min/);
    assert.equal(answer.revision?.basis, "claim");
  }
});

test("says that there is no record, or that it is about another image", { skip: samples.skip }, async () => {
  await using image = await openSampleImage(join(samples.path, "07-prov-false/registry"));
  await using open = await openImage(image.name, { client: image.client, cwd: "/" }, never);
  assert.match((await traceImage(open, { kind: "layers" }, undefined, never)).missing.join(), /no provenance/);
  using other = await layoutWithLayers(join(samples.path, "02-prov-max/registry"), (digest) => `sha256:${digest.slice("sha256:".length).split("").toReversed().join("")}`);
  const answer = await trace(other, { kind: "layers" });
  assert.match(answer.missing.join(), /about another image/);
  assert.deepEqual([...new Set(answer.layers.map(places))], ["?"]);
});

test("asks which platform, and takes the one that is named", { skip: samples.skip }, async () => {
  await using image = await openSampleImage(join(samples.path, "11-multi-platform/registry"));
  await using open = await openImage(image.name, { client: image.client, cwd: "/" }, never);
  const layers = async (platform?: string): Promise<string[]> => (await traceImage(open, { kind: "layers" }, platform, never)).layers.map(places);
  await assert.rejects(layers(), /choose one with --platform: linux\/amd64, linux\/arm64/);
  await assert.rejects(layers("linux/s390x"), /no image for linux\/s390x; there is linux\/amd64, linux\/arm64/);
  assert.deepEqual(await layers("linux/arm64"), ["step step1 3 digest"]);
});

test("believes no layer whose bytes are not those of its digest", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const { layers } = await trace(layout, { kind: "layers" });
  const top = layers.at(-1)?.descriptor;
  const base = layers[0]?.descriptor;
  assert.ok(top !== undefined && base !== undefined);
  writeFileSync(layout.blobPath(top.digest), Buffer.alloc(top.size));
  await assert.rejects(trace(layout, { kind: "path", path: "/out.txt" }), CorruptBlobError);
});

test("survives a configuration of any shape", async () => {
  using layout = new LayoutDirectory();
  for (const [index, document] of [{}, { history: [null, 1], rootfs: null }, { rootfs: { diff_ids: "no" }, history: {} }].entries()) {
    const config = layout.add(MEDIA_TYPE.ociConfig, { architecture: "amd64", os: "linux", ...document });
    const layer = layout.add(MEDIA_TYPE.ociLayer, Buffer.alloc(1024));
    layout.tag(layout.add(MEDIA_TYPE.ociManifest, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [layer] }), `v${index}`);
    await using open = await openImage(`oci-layout://${layout.path}:v${index}`, { client: noRegistry, cwd: "/" }, never);
    const answer = await traceImage(open, { kind: "path", path: "x" }, undefined, never);
    assert.equal(answer.path?.kind, "absent");
    assert.equal((await traceImage(open, { kind: "layers" }, undefined, never)).layers[0]?.createdBy, undefined);
  }
});

test("writes an answer for people, with nothing that a terminal would act on", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const answer = await trace(layout, { kind: "path", path: "/out.txt" });
  const [layer] = answer.layers;
  const image = { ...answer.image, name: "r.example/\u001b[31mred" };
  assert.equal(
    traceText({ ...answer, image }),
    [
      `image      r.example/\\x1b[31mred@${answer.image.digest} linux/amd64`,
      "path       /out.txt: file, 24 bytes, mode 0644",
      `layer      2 of 4: ${layer?.descriptor.digest}, ${layer?.descriptor.size} bytes`,
      "step       step5: copy /src/out.txt to /out.txt",
      "lines      Dockerfile:16",
      "              16  COPY --from=build /src/out.txt /out.txt",
      "from       step0, Dockerfile:2, Dockerfile:13",
      "from       step4, Dockerfile:7-8",
      "revision   65fcfad333c7620077a1bdb5e30ba8273174e59c of https://github.com/example/sample.git, as the client claimed",
      "",
    ].join("\n"),
  );
});
