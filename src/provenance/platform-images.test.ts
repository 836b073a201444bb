import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageCapture } from "./capture.ts";
import { platformImages } from "./platform-images.ts";

const AMD64 = { os: "linux", architecture: "amd64" };
const ARM64 = { os: "linux", architecture: "arm64" };

function image(ref: string, platform: ImageCapture["platform"]): ImageCapture {
  return { ref, platform, digest: undefined, layout: false };
}

const BASE = [image("base:1", AMD64), image("base:1", { ...ARM64, variant: "v8" })];
const TOOLS = image("tools:1", AMD64);
const FRONTEND = image("frontend:1", undefined);

test("an image that was looked up for every platform is split among their records", () => {
  assert.deepEqual(platformImages(BASE, AMD64, [AMD64, ARM64]), [BASE[0]]);
  assert.deepEqual(platformImages(BASE, ARM64, [AMD64, ARM64]), [BASE[1]]);
});

test("an image for the build platform alone, and one for no platform, belong to every record", () => {
  assert.deepEqual(platformImages([...BASE, TOOLS, FRONTEND], ARM64, [AMD64, ARM64]), [BASE[1], TOOLS, FRONTEND]);
});

test("a build for one platform has all that was looked up", () => {
  assert.deepEqual(platformImages([TOOLS, FRONTEND], ARM64, [ARM64]), [TOOLS, FRONTEND]);
});
