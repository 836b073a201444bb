import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { digestOf } from "../../src/content/digest.ts";
import { anonymousCredentials, loadRegistryConfig, openImage, openRegistryClient } from "../../src/doors/registry.ts";
import { traceImage } from "../../src/doors/trace.ts";
import { openTestWorkTree } from "../../src/testing/work-tree.ts";
import { openWorkshop, runSkip, type Workshop, type WorkshopBuild } from "./workshop.ts";

const MAP = "urn:stemma:line-map:v1";
const signal = new AbortController().signal;
const LIMIT = { timeout: 240_000 };
const SECRET = "hush-hush-4711";

describe("the map from layers to lines", { skip: runSkip }, () => {
  let workshop: Workshop;
  before(async () => (workshop = await openWorkshop()));
  after(() => workshop[Symbol.asyncDispose]());

  const DOCKERFILE = `FROM base\nARG TOKEN\nCOPY a \\\n  /a\n\nRUN echo $TOKEN > /b\nLABEL x=y\n`;
  const statements = async (options: WorkshopBuild): Promise<ReadonlyArray<{ readonly type: string; readonly text: string }>> => {
    const path = join(workshop.path, `map-${readdirSync(workshop.path).length}`);
    await workshop.build(DOCKERFILE, { files: { a: "content" }, buildArgs: { TOKEN: SECRET }, ...options, outputs: [`type=oci,tar=false,dest=${path},name=example.com/m:1`] });
    const texts = readdirSync(join(path, "blobs/sha256")).map((name) => readFileSync(join(path, "blobs/sha256", name))).filter((bytes) => bytes[0] === 0x7b).map((bytes) => bytes.toString("utf8"));
    return texts.flatMap((text) => {
      const { predicateType } = JSON.parse(text) as { predicateType?: string };
      return predicateType === undefined ? [] : [{ type: predicateType, text }];
    });
  };

  test("goes with mode=min, in digests and numbers alone", LIMIT, async () => {
    const found = await statements({ provenance: "mode=min" });
    const map = found.find(({ type }) => type === MAP);
    const { predicate } = JSON.parse(map?.text ?? "{}") as { predicate: { files: unknown; layers: ReadonlyArray<{ step: string; lines?: unknown; image?: unknown }> } };
    assert.deepEqual(predicate.files, [{ digest: { sha256: digestOf(Buffer.from(DOCKERFILE)).slice("sha256:".length) } }]);
    assert.deepEqual(predicate.layers.map(({ lines, image }) => [lines, image !== undefined]), [[undefined, true], [[{ file: 0, start: 3, end: 4 }], false], [[{ file: 0, start: 6, end: 6 }], false]]);
    for (const { text } of found) assert.ok(!text.includes(SECRET) && !text.includes("echo"), text);
  });

  test("lets an image be traced that has no more than the default record", LIMIT, async () => {
    const path = join(workshop.path, "traced");
    const { outcome } = await workshop.build(DOCKERFILE, { files: { a: "content" }, provenance: "mode=min", outputs: [`type=oci,tar=false,dest=${path},name=example.com/m:1`] });
    assert.ok(outcome.image !== undefined);
    await using client = openRegistryClient({ credentials: anonymousCredentials, config: await loadRegistryConfig({}), env: {} });
    await using image = await openImage(`oci-layout://${path}`, { client, cwd: "/" }, signal);
    const file = await traceImage(image, { kind: "path", path: "/b" }, undefined, signal);
    assert.deepEqual(file.layers.map(({ origin }) => (origin.kind === "step" ? origin.step.lines : origin.kind)), [[{ file: "Dockerfile", start: 6, end: 6, text: undefined }]]);
    const line = await traceImage(image, { kind: "line", line: 4, file: undefined }, undefined, signal);
    assert.equal(line.layers.length, 1);
    const base = await traceImage(image, { kind: "path", path: "/bin/busybox" }, undefined, signal);
    assert.match(base.layers[0]?.origin.kind === "base" ? base.layers[0].origin.base.reference : "", /^base:?.*@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(base.missing, ["the record names no revision (vcs)"]);
  });

  test("names the commit, and whether what was used equals it", LIMIT, async (t) => {
    const work = await openTestWorkTree(t);
    work.write("a", "content");
    work.write("Dockerfile", DOCKERFILE);
    const sha1 = await work.commit();
    const mapped = async (): Promise<unknown> => {
      const map = (await statements({ context: work.root, dockerfile: join(work.root, "Dockerfile"), provenance: "mode=min" })).find(({ type }) => type === MAP);
      return (JSON.parse(map?.text ?? "{}") as { predicate?: { commit?: unknown } }).predicate?.commit;
    };
    assert.deepEqual(await mapped(), { digest: { sha1 }, verified: true });
    work.write("a", "other content");
    assert.deepEqual(await mapped(), { digest: { sha1 }, verified: false });
  });

  test("is left out where it is not wanted, and where the record tells all of it", LIMIT, async () => {
    assert.equal((await statements({ provenance: "mode=min", lineMap: false })).find(({ type }) => type === MAP), undefined);
    assert.equal((await statements({ provenance: "mode=max" })).find(({ type }) => type === MAP), undefined);
  });
});
