import assert from "node:assert/strict";
import { test } from "node:test";
import { readProvenance } from "./image-provenance.ts";
import { materialSource } from "./provenance-material.ts";

const SHA = "a".repeat(64);
const platform = { os: "linux", architecture: "amd64" };
const V1 = "https://slsa.dev/provenance/v1";

function read(statement: unknown): unknown {
  return readProvenance([{ predicateType: V1, bytes: Buffer.from(typeof statement === "string" ? statement : JSON.stringify(statement)) }], `sha256:${SHA}`)?.members["builderID"];
}

test("a provenance counts where it is about the image, and what is none says nothing", () => {
  const subject = [{ name: "x", digest: { sha256: SHA } }];
  const predicate = { runDetails: { builder: { id: "b" } } };
  assert.equal(read({ subject: [{ digest: { sha256: "b".repeat(64) } }, ...subject], predicateType: V1, predicate }), "b");
  for (const statement of [
    { subject: [{ digest: { sha256: "b".repeat(64) } }], predicateType: V1, predicate }, { predicateType: V1, predicate }, { subject, predicateType: "https://spdx.dev/Document", predicate },
    { subject, predicateType: V1, predicate: { runDetails: { builder: { id: 1 } } } }, { subject, predicateType: V1, predicate: [] }, { subject, predicateType: V1 }, "{", "[]", "null",
  ]) assert.equal(read(statement), undefined, JSON.stringify(statement));
});

test("a material is asked about by the name that a source of its kind has; others, and files of this machine, are none", () => {
  const of = (uri: string, digest: Readonly<Record<string, string>> = {}): string | undefined => materialSource({ uri, digest }, platform)?.identifier;
  assert.equal(of("pkg:docker/alpine"), "docker-image://docker.io/library/alpine:latest");
  assert.equal(of("pkg:docker/host%3A5000/a/b@1.0?platform=linux%2Farm64", { sha256: SHA }), `docker-image://host:5000/a/b:1.0@sha256:${SHA}`);
  assert.deepEqual(materialSource({ uri: "pkg:docker/a@1?platform=linux%2Farm64", digest: {} }, platform)?.platform, { os: "linux", architecture: "arm64" });
  assert.equal(of(`pkg:docker/a?digest=sha256:${SHA}`), `docker-image://docker.io/library/a@sha256:${SHA}`);
  assert.equal(of(`pkg:docker/a?digest=sha256:${SHA}`, { sha256: "b".repeat(64) }), undefined);
  assert.equal(of("https://example.com/r.git#v1:sub"), "git://example.com/r.git#v1:sub");
  assert.equal(of("git@example.com:r.git"), "git://example.com:r.git");
  assert.equal(of("https://example.com/file"), "https://example.com/file");
  for (const uri of ["file:///etc/passwd", "pkg:oci/a", "pkg:docker/%", "pkg:docker/A B", "pkg:docker/a?platform=!", "", "https://"]) assert.equal(of(uri), undefined, uri);
});
