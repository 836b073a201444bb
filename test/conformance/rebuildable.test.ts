import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { conformanceFolder } from "../../src/testing/conformance.ts";
import { comparable } from "./comparable.ts";
import { registryDocuments, sampleDocuments, type ImageDocuments } from "./image-documents.ts";
import { expectedMetadata, openSampleWorkplace, SAMPLE_HOST, samplesSkip, type SampleWorkplace } from "./sample-workplace.ts";

const samples = conformanceFolder("samples/rebuildable");
const skip = samplesSkip;

let work: SampleWorkplace;

before(async () => {
  if (skip === false) work = await openSampleWorkplace();
});

after(async () => {
  if (skip === false) await work[Symbol.asyncDispose]();
});

async function unpackContext(sample: string): Promise<void> {
  const context = join(work.place.path, sample);
  await mkdir(context, { recursive: true });
  await work.place.run(["tar", "--same-owner", "--same-permissions", "-xf", join(samples.path, sample, "context.tar"), "-C", context]);
}

/** Digests of an image's layers, as its manifest has them. */
function layersOf({ manifests }: ImageDocuments): string {
  const { layers } = JSON.parse(manifests[0]?.text ?? "{}") as { readonly layers: ReadonlyArray<{ readonly digest: string }> };
  return layers.map(({ digest }) => digest).join();
}

/** The same for the layers after each step that the record tells of. */
function recordedChains({ manifests }: ImageDocuments): readonly string[] {
  const chains: string[] = [];
  JSON.parse(manifests[1]?.statements[0] ?? "{}", (key, value: unknown) => {
    if (key !== "layers") return value;
    for (const chain of Object.values(value as Readonly<Record<string, ReadonlyArray<ReadonlyArray<{ readonly digest: string }>>>>).flat()) chains.push(chain.map(({ digest }) => digest).join());
    return undefined;
  });
  return chains;
}

for (const sample of existsSync(samples.path) ? readdirSync(samples.path) : ["rebuildable samples"]) {
  for (const variant of ["max-v1", "min-v02"]) {
    test(`${sample}: layers, configuration, manifests and record are BuildKit's (${variant})`, { skip }, async () => {
      await unpackContext(sample);
      const { exitCode, stderr, metadata } = await work.build(`rebuildable/${sample}/${variant}`, work.place.path);
      assert.equal(exitCode, 0, stderr);
      const ours = await registryDocuments(work.host, `r/${sample}`, variant);
      const theirs = sampleDocuments(join(samples.path, sample, variant, "registry"));
      const [actual, expected] = [comparable(ours, { words: [[work.host, "REGISTRY"]] }), comparable(theirs, { words: [[SAMPLE_HOST, "REGISTRY"]] })];
      assert.deepEqual(actual, expected);
      assert.equal(JSON.stringify(actual), JSON.stringify(expected), "members stand in another order");
      // With diff ids and times in it: every layer is BuildKit's, bit for bit.
      assert.equal(ours.manifests[0]?.config, theirs.manifests[0]?.config);
      if (variant === "max-v1") assert.ok(recordedChains(ours).includes(layersOf(ours)), "the record knows the step that made the image's last layer");
      // With the map to lines the attestation's manifest is longer, and so may be the number in the index that says how long.
      const sized = (text: string): string => (variant === "min-v02" ? text.replaceAll(/"size": \d+/g, '"size": N') : text);
      assert.equal(sized(metadata), sized(expectedMetadata(readFileSync(join(samples.path, sample, variant, "metadata.json"), "utf8"), metadata, work.host)));
    });
  }
}
