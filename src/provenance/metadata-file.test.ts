import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Digest } from "../content/digest.ts";
import { goJson } from "../content/go-json.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { renderJson, type JsonObject } from "./json-tree.ts";
import { metadataFile, metadataProvenance } from "./metadata-file.ts";
import { inputOf, type Recorded } from "./recorded.contract.ts";

const SAMPLES = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/samples`;
const skip = existsSync(SAMPLES) ? false : `${SAMPLES} is missing`;
const PROVENANCE_KEY = /^buildx\.build\.provenance(?:\/(.+))?$/;

interface WrittenProvenance {
  readonly materials?: Recorded["materials"];
  readonly invocation: {
    readonly configSource: { readonly entryPoint?: string };
    readonly parameters: Recorded["request"] & { args?: Record<string, string> };
    readonly environment: { readonly platform: string; readonly dockerfileVersion?: string };
  };
}

test("metadata files are buildx's, byte for byte, but for the values of build arguments and labels", { skip }, async (t) => {
  const files = globSync(["*/metadata.json", "rebuildable/*/*/metadata.json"], { cwd: SAMPLES }).toSorted();
  const written = files.map((file) => ({ file, text: readFileSync(`${SAMPLES}/${file}`, "utf8") })).filter(({ text }) => text.includes('\n  "buildx.build.ref"'));
  assert.ok(written.length > 25, `${written.length} files`);
  for (const { file, text } of written) await t.test(file, () => compare(text));
});

function compare(text: string): void {
  const metadata = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const provenance = Object.entries(metadata).flatMap(([key, value]) => {
    const match = PROVENANCE_KEY.exec(key);
    return match === null ? [] : [{ platform: match[1], written: value as WrittenProvenance }];
  });
  const bytes = metadataFile({
    ref: metadata["buildx.build.ref"] as string,
    provenance: provenance.map(({ platform, written }) => ({ platform, predicate: metadataProvenance(inputOf(recordedOf(written)), "min") })),
    descriptor: metadata["containerimage.descriptor"] as Descriptor | undefined,
    configDigest: metadata["containerimage.config.digest"] as Digest | undefined,
    imageNames: metadata["image.name"] === undefined ? [] : (metadata["image.name"] as string).split(","),
    warnings: undefined,
    ...(metadata["cache.manifest"] === undefined ? {} : { cacheManifest: JSON.parse(metadata["cache.manifest"] as string) as Descriptor }),
  });
  for (const { written } of provenance) dropPrivateArgs(written.invocation.parameters);
  assert.equal(Buffer.from(bytes).toString("utf8"), goJson(metadata, "  "));
}

function dropPrivateArgs(request: { args?: Record<string, string>; readonly root?: Recorded["request"]["root"] }): void {
  for (const key of Object.keys(request.args ?? {})) if (/^(?:build-arg|label):/.test(key)) delete request.args?.[key];
  if (request.args !== undefined && Object.keys(request.args).length === 0) delete request.args;
  if (request.root !== undefined) dropPrivateArgs(request.root.request as { args?: Record<string, string> });
}

function recordedOf({ materials, invocation }: WrittenProvenance): Recorded {
  return {
    version: "v1",
    materials: materials ?? [],
    dockerfile: invocation.configSource.entryPoint,
    request: invocation.parameters,
    steps: undefined,
    platform: invocation.environment.platform,
    dockerfileVersion: invocation.environment.dockerfileVersion,
    invocation: { id: "x", startedOn: "2026-01-01T00:00:00Z", finishedOn: "2026-01-01T00:00:01Z" },
    requestComplete: true,
    reproducible: true,
    metadata: {},
  };
}

test("the max form has the steps and the run, in v0.2's shape whatever the attestation's version", { skip }, () => {
  const written = JSON.parse(readFileSync(`${SAMPLES}/04-prov-max-v02/registry/manifest1-attestation.layer0.slsa.dev_provenance_v0.2.json`, "utf8")) as { predicate: WrittenProvenance & { buildConfig: NonNullable<Recorded["steps"]>; metadata: { "https://mobyproject.org/buildkit@v1#metadata": Recorded["metadata"] } } };
  const recorded = { ...recordedOf(written.predicate), steps: written.predicate.buildConfig, metadata: written.predicate.metadata["https://mobyproject.org/buildkit@v1#metadata"] };
  const max = metadataProvenance(inputOf(recorded), "max") as { buildConfig: JsonObject; metadata: JsonObject };
  assert.deepEqual(JSON.parse(renderJson(max.buildConfig, "compact")), written.predicate.buildConfig);
  assert.equal(max.metadata["reproducible"], false, "the claim belongs to the attestation");
});
