import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { parseDigest } from "../content/digest.ts";
import { sampleDocument } from "../testing/sbom-documents.ts";
import { spdxDocument } from "./spdx.ts";

const never = new AbortController().signal;

test("equal inputs give equal bytes, and another name or content another namespace", async () => {
  const bytes = await spdxDocument(sampleDocument(), never);
  assert.deepEqual(await spdxDocument(sampleDocument(), never), bytes);
  const namespace = (await spdx()).documentNamespace;
  assert.match(namespace, /^https:\/\/example\.org\/sbom\/[0-9a-f]{64}$/);
  const other = JSON.parse(Buffer.from(await spdxDocument({ ...sampleDocument(), files: [] }, never)).toString()) as { documentNamespace: string };
  assert.notEqual(other.documentNamespace, namespace);
});

test("tells of each file its digests, and in BuildKit's words the layer that brought it, with step and lines below", async () => {
  const { files } = await spdx();
  const file = files.find(({ fileName }) => fileName === "./usr/bin/tiny");
  const digest = (algorithm: string): string => createHash(algorithm).update("run").digest("hex");
  assert.deepEqual(file?.checksums, [{ algorithm: "SHA1", checksumValue: digest("sha1") }, { algorithm: "SHA256", checksumValue: digest("sha256") }]);
  assert.equal(file.comment, `layerID: ${parseDigest(`sha256:${"b".repeat(64)}`)}\nstep: [2/2] RUN apt-get install tiny\ndockerfile: Dockerfile:3-4`);
});

async function spdx(): Promise<SpdxJson> {
  // What we wrote ourselves; the schema test holds its shape.
  return JSON.parse(Buffer.from(await spdxDocument(sampleDocument(), never)).toString()) as SpdxJson;
}

interface SpdxJson {
  readonly documentNamespace: string;
  readonly files: ReadonlyArray<{ readonly fileName: string; readonly checksums: readonly object[]; readonly comment?: string }>;
}
