import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { writeCacheConfig } from "./cache-config.ts";
import { parseCacheConfig } from "./parse-cache-config.ts";

const [one, two, three] = ["1", "2", "3"].map((text) => digestOf(Buffer.from(text)));

test("a layer that names no parent stands on the first layer, as Go leaves out a 0, and is written so", () => {
  const annotations = { mediaType: "application/vnd.oci.image.layer.v1.tar", diffID: three, createdAt: "2026-01-02T03:04:05Z" };
  const text = JSON.stringify({ layers: [{ blob: one, parent: -1 }, { blob: two }, { blob: three, parent: 1, annotations }] });
  const config = parseCacheConfig(Buffer.from(text));
  assert.deepEqual(config.layers.map(({ parent }) => parent), [-1, 0, 1]);
  assert.equal(config.layers[2]?.annotations?.sizeBytes, 0);
  assert.equal(Buffer.from(writeCacheConfig(config)).toString("utf8"), text);
});

test("a first layer that names no parent would stand on itself", () => {
  assert.throws(() => parseCacheConfig(Buffer.from(JSON.stringify({ layers: [{ blob: one }] }))), /its layers go in a circle/);
});
