import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDigest } from "../content/digest.ts";
import { parseAnnotation } from "./annotations.ts";
import { ExportError } from "./error.ts";
import { refuseLayers, refuseTarget, type ImageShape } from "./form-limits.ts";
import { inFormOf, parseOutput } from "./output-flag.ts";
import type { ImageTarget } from "./target.ts";

const LINUX = { architecture: "amd64", os: "linux" };
const ARM = { architecture: "arm64", os: "linux" };
const SINGLE: ImageShape = { platforms: [LINUX], evidence: "apart", indexAlways: false };

function target(output: string, ...annotations: readonly string[]): ImageTarget {
  const parsed = parseOutput(output, { names: ["a"], annotations: annotations.flatMap(parseAnnotation), evidence: { store: { kind: "index" }, artifact: true }, attestArchives: false, compat: undefined, engine: () => ({ kind: "engine", address: "unix:///engine", takes: undefined }), path: (text) => text });
  assert.ok("form" in parsed);
  return parsed;
}

function refuses(output: ImageTarget, shape: ImageShape, message: RegExp): void {
  assert.throws(() => refuseTarget(output, shape), (error) => error instanceof ExportError && error.code === "usage" && message.test(error.message));
}

test("a docker archive holds one image and nothing beside it", () => {
  const docker = target("type=docker,dest=x.tar");
  refuseTarget(docker, SINGLE);
  for (const shape of [{ ...SINGLE, platforms: [LINUX, ARM] }, { ...SINGLE, evidence: "index" }, { ...SINGLE, indexAlways: true }] satisfies readonly ImageShape[]) {
    refuses(docker, shape, /^docker exporter does not support exporting manifest lists, use the oci exporter instead/);
    refuseTarget(target("type=oci,dest=x.tar"), shape);
  }
});

test("an image that is pushed by its digest has no tag", () => {
  refuses(target("type=image,name=a:1,push-by-digest=true,push=true"), SINGLE, /^failed to push a:1: can't push tagged ref a:1 by digest/);
  for (const output of ["name=a:1,push-by-digest=true", "name=a:1,push=true", "name=b,push-by-digest=true,push=true"]) refuseTarget(target(`type=image,${output}`), SINGLE);
});

test("an engine holds what its store can, and nothing that refers to an image", () => {
  const engine = target("type=docker");
  refuses(inFormOf(engine, "docker"), { ...SINGLE, platforms: [LINUX, ARM] }, /^docker exporter does not currently support exporting manifest lists: the Docker engine at unix:\/\/\/engine does not keep images in containerd's store/);
  refuseTarget(inFormOf(engine, "oci"), { ...SINGLE, platforms: [LINUX, ARM], evidence: "index" });
  refuses(inFormOf(engine, "oci"), { ...SINGLE, evidence: "referrers" }, /^a Docker engine does not keep what refers to an image: use --attest-store=index/);
});

test("Docker's media types leave no place for statements, nor for annotations but a manifest's own", () => {
  refuses(target("type=image,oci-mediatypes=false"), { ...SINGLE, evidence: "index" }, /^cannot export attestations with "oci-mediatypes=false"/);
  refuses(target("type=image,oci-mediatypes=false", "manifest-descriptor:a=b"), { ...SINGLE, platforms: [LINUX, ARM] }, /^cannot export annotations with "oci-mediatypes=false"/);
  refuseTarget(target("type=image,oci-mediatypes=false", "manifest:a=b"), SINGLE);
});

test("what is found by its subject needs no index, but a place beside the image", () => {
  refuseTarget(target("type=image,oci-mediatypes=false"), { ...SINGLE, evidence: "referrers" });
  refuses(target("type=image", "index:a=b"), { ...SINGLE, evidence: "referrers" }, /^index annotations not supported for single platform export/);
  refuses(target("type=docker,dest=x.tar"), { ...SINGLE, evidence: "referrers" }, /^the archive of the docker exporter has no place for what refers to an image: use --attest-store=file:DIRECTORY or none/);
});

test("a consumer's limits hold also for what is only known once it is built", () => {
  const plain = target("type=image");
  const lambda = { ...plain, form: { ...plain.form, compat: "lambda" } } as const;
  refuseTarget(lambda, { ...SINGLE, evidence: "referrers" });
  refuses(lambda, { ...SINGLE, platforms: [LINUX, ARM] }, /^--compat=lambda needs a single manifest, and this is an index of linux\/amd64, linux\/arm64/);
  refuses(lambda, { ...SINGLE, indexAlways: true }, /^--compat=lambda needs a single manifest/);
  const layers = [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.zstd", digest: parseDigest(`sha256:${"0".repeat(64)}`), size: 1 }];
  refuseLayers(plain.form, layers);
  assert.throws(() => refuseLayers({ ...plain.form, compat: "docker-v2" }, layers), /^ExportError: --compat=docker-v2 needs layers that are gzip or uncompressed, and the base has one in zstd/);
});

test("annotations need what they are put on", () => {
  refuses(target("type=image", "index:a=b"), SINGLE, /^index annotations not supported for single platform export: a /);
  refuseTarget(target("type=image", "index:a=b"), { ...SINGLE, evidence: "index" });
  refuses(target("type=image", "manifest[linux/s390x]:a=b"), SINGLE, /^invalid annotation: no platform linux\/s390x found in source: a can stand on linux\/amd64$/);
});
