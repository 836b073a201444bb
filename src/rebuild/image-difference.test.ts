import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type DiffId } from "../content/digest.ts";
import { layerOf } from "../testing/tree-text.ts";
import type { ComparedLayer } from "./compared-layer.ts";
import { describeDifference, type LayerMaker } from "./describe-difference.ts";
import { imageDifference, type ComparedImage } from "./image-difference.ts";
import { likelyCauses, type TimeSettings } from "./likely-causes.ts";

const signal = new AbortController().signal;
const BASE = ["f 644 0:0 etc/motd = hello"];
const MAKERS: readonly LayerMaker[] = [
  { step: "[1/2] FROM base", place: "Dockerfile:1", networked: false },
  { step: "[2/2] RUN make", place: "Dockerfile:4", networked: true },
];

interface Sketch {
  readonly lines?: readonly string[];
  readonly seconds?: number;
  readonly diffId?: string;
  readonly blob?: string;
  readonly created?: string;
  readonly config?: object;
  readonly annotation?: string;
}

/** An image of a base and one layer; what is not said is the same in all of them. */
function image({ lines = ["f 644 0:0 app = x"], seconds = 1_700_000_000, created = "2023-11-14T22:13:20Z", ...sketch }: Sketch = {}): ComparedImage {
  const diffId = sketch.diffId ?? JSON.stringify([lines, seconds]);
  const layers = [layer(BASE, 1, "base", "base"), layer(lines, seconds, diffId, sketch.blob ?? diffId)];
  const config = Buffer.from(JSON.stringify({ created, history: [{}, { created }], ...sketch.config, rootfs: { diff_ids: layers.map((each) => each.diffId) } }));
  const manifest = { config: { digest: digestOf(config), size: config.byteLength }, layers: layers.map(({ blob }) => ({ digest: blob, size: blob.length })), annotations: { a: sketch.annotation ?? "a" } };
  return { layers, config, manifest: Buffer.from(JSON.stringify(manifest)) };
}

// Four parameters: a builder of this test alone.
function layer(lines: readonly string[], seconds: number, ...[diffId, blob]: readonly [string, string]): ComparedLayer {
  const listed = layerOf("layer", lines, BigInt(seconds) * 1_000_000_000n);
  // Any name will do: nothing here has bytes.
  return { ...listed, diffId: digestOf(Buffer.from(`diff ${diffId}`)) as string as DiffId, blob: digestOf(Buffer.from(`blob ${blob}`)) };
}

async function said(first: Sketch, second: Sketch, settings: TimeSettings = { epochNs: undefined, files: "left" }): Promise<{ readonly text: string; readonly causes: readonly string[] }> {
  const difference = await imageDifference(image(first), image(second), signal);
  assert.ok(difference !== undefined, "no difference was found");
  return { text: describeDifference(difference, MAKERS), causes: likelyCauses(difference, MAKERS, settings) };
}

test("images that are equal bit for bit have no difference, and none of their layers is looked into", async () => {
  const closed = (): Promise<never> => Promise.reject(new Error("looked into"));
  const unread = ({ layers, ...rest }: ComparedImage): ComparedImage => ({ ...rest, layers: layers.map((each) => ({ ...each, entries: closed, contentDigest: closed })) });
  assert.equal(await imageDifference(unread(image()), unread(image()), signal), undefined);
});

test("names the layer, its step and its place, the path, and in what it differs", async () => {
  const { text, causes } = await said({ lines: ["f 644 0:0 app = x"] }, { lines: ["f 755 0:7 app = y"] });
  assert.equal(text, "layer 2 of 2, [2/2] RUN make (Dockerfile:4):\n  /app: mode 0644, then 0755; owner 0:0, then 0:7; content\n");
  assert.deepEqual(causes, ["[2/2] RUN make had the network, and what it fetches may change at any time: pin versions and digests, or run it with --network=none"]);
});

test("tells what only follows from another difference not again", async () => {
  const { text } = await said({}, { lines: ["f 644 0:0 app = x", "f 644 0:0 more = x"] });
  assert.equal(text, "layer 2 of 2, [2/2] RUN make (Dockerfile:4):\n  /more: only in the second (file)\n");
});

test("tells another form of archive, and other compressed bytes, from other files", async () => {
  assert.match((await said({}, { diffId: "other headers" })).text, /^layer 2 of 2, .*\n {2}the same files, in an archive whose headers or padding are written in another way\n$/);
  assert.match((await said({ blob: "one" }, { blob: "other" })).text, /^layer 2 of 2, .*\n {2}the same archive, compressed to other bytes\n$/);
});

test("tells each member of the configuration and of the manifest that differs", async () => {
  const { text } = await said({ config: { config: { Env: ["A=1"] } } }, { config: { config: { Env: ["A=2"], User: "app" } }, annotation: "b" });
  assert.equal(text, 'configuration:\n  config.Env[0]: "A=1", then "A=2"\n  config.User: nothing, then "app"\nmanifest:\n  annotations.a: "a", then "b"\n');
});

test("tells the first twenty paths of a layer and counts all", async () => {
  const lines = (content: string): string[] => Array.from({ length: 30 }, (_unused, i) => `f 644 0:0 f${10 + i} = ${content}`);
  const { text } = await said({ lines: lines("x") }, { lines: lines("y"), seconds: 1_700_000_001 });
  assert.equal(text.split("\n").filter((line) => line.startsWith("  /f")).length, 20);
  assert.match(text, /\n {2}and 10 more; 30 paths in all: mtime 30, content 30\n$/);
});

test("shows names that would move a terminal's cursor as text", async () => {
  const { text } = await said({ lines: ["f 644 0:0 a\u001b[2J = x"] }, { lines: ["f 644 0:0 a\u001b[2J = y"] });
  assert.match(text, /\n {2}"\/a\\u001b\[2J": content\n$/);
});

const later = { seconds: 1_700_000_009, created: "2023-11-14T22:13:29Z" };
const EPOCH_NS = 1_600_000_000_000_000_000n;

test("says that SOURCE_DATE_EPOCH and rewrite-timestamp would mend what are times only, and how much", async () => {
  const { text, causes } = await said({}, later);
  assert.match(text, /\/app: mtime 2023-11-14T22:13:20Z, then 2023-11-14T22:13:29Z\nconfiguration:\n {2}created: "2023-11-14T22:13:20Z", then "2023-11-14T22:13:29Z"\n {2}history\[1\]\.created: /);
  assert.deepEqual(causes, ["files, and the image itself, have the times of the build: set SOURCE_DATE_EPOCH, for example to the time of the commit (git log -1 --format=%ct), and rewrite-timestamp=true in --output: that would take away 1 of 1 differing paths, and all of them in 1 of 1 differing layers"]);
});

test("says that rewrite-timestamp is missing where there is an epoch, and only of files that are later", async () => {
  const settings = { epochNs: EPOCH_NS, files: "left" } as const;
  const { causes } = await said({}, { seconds: later.seconds }, settings);
  assert.deepEqual(causes, ["rewrite-timestamp=true in --output sets the times of files back to SOURCE_DATE_EPOCH: that would take away 1 of 1 differing paths, and all of them in 1 of 1 differing layers"]);
  assert.deepEqual((await said({ seconds: 5 }, { seconds: later.seconds }, settings)).causes, []);
});

test("does not promise a layer that differs in more than times", async () => {
  const lines = ["f 644 0:0 app = x", "f 644 0:0 log = x"];
  const { causes } = await said({ lines }, { lines: [lines[0] ?? "", "f 644 0:0 log = y"], seconds: later.seconds }, { epochNs: EPOCH_NS, files: "left" });
  assert.match(causes[0] ?? "", /that would take away 1 of 2 differing paths, and all of them in 0 of 1 differing layers$/);
});

test("advises nothing on times that are rewritten already, and in no result of files to rewrite", async () => {
  assert.deepEqual((await said({ seconds: 5 }, { seconds: 6 }, { epochNs: EPOCH_NS, files: "rewritten" })).causes, []);
  const { causes } = await said({}, { seconds: later.seconds }, { epochNs: undefined, files: "set" });
  assert.match(causes[0] ?? "", /^files have the times of the build: set SOURCE_DATE_EPOCH, for example to the time of the commit \(git log -1 --format=%ct\): that would/);
});

test("knows files that are known to differ", async () => {
  const { causes } = await said({ lines: ["f 644 0:0 usr/a.pyc = x"] }, { lines: ["f 644 0:0 usr/a.pyc = y"] });
  assert.match(causes[0] ?? "", /^\/usr\/a\.pyc: Python writes the source's time into compiled files/);
});

test("tells that one has more layers", async () => {
  const [first, second] = [image(), image()];
  const difference = await imageDifference(first, { ...second, layers: second.layers.slice(0, 1) }, signal);
  assert.ok(difference !== undefined);
  assert.equal(describeDifference(difference, MAKERS), "the first has 2 layers, the second 1\n");
});
