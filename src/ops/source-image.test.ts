import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../content/digest.ts";
import { parseReference } from "../oci/reference.ts";
import { recipeDigest } from "../solver/recipe.ts";
import type { PinnedImage } from "../source/image.ts";
import { imageOperation } from "./source-image.ts";

const signal = new AbortController().signal;

test("an image of several platforms has the name that BuildKit gives it in a cache: that of its index for one platform", async () => {
  const pinned: PinnedImage = {
    reference: parseReference("example.com/several:1"),
    digest: parseDigest("sha256:59e1b58a2e1ed96b308f61a1098b2907e77e66868d1194479443f540873a5c0f"),
    manifestDigest: parseDigest("sha256:3614c37a0cbf134ea8ac9372da8ea164fb2c14de07ecc33e62d657508b3e648e"),
    manifest: { schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: parseDigest(`sha256:${"0".repeat(64)}`), size: 2 }, layers: [] },
    config: Buffer.from("{}"), chain: [], attestation: undefined, isHardenedByDocker: false,
  };
  const { shared } = await imageOperation(pinned.reference, { os: "linux", architecture: "amd64" }, { pin: () => Promise.resolve(pinned), uses: { had: () => false, save: () => undefined } }).cacheMap(signal);
  assert.deepEqual(shared?.().digests.map((digest) => recipeDigest(digest, 0)), ["sha256:762557901adff0dd59f0ec2a54f20aba5ec3fe115fa21e29c1792b4d6ebe35ba"]);
});
