import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnnotation } from "./annotations.ts";
import { ExportError } from "./error.ts";
import { parseOutput } from "./output-flag.ts";

const defaults = { names: ["a/b:1"], annotations: [], artifact: true, path: (text: string) => `/cwd/${text}` };
const form = { names: ["a/b:1"], compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", artifact: true, rewriteTimestamp: false, annotations: [] };
const parse = (text: string): unknown => parseOutput(text, defaults);

test("a path is a directory, - a tar on standard output", () => {
  assert.deepEqual(parse("out"), { kind: "local", path: "/cwd/out", platformSplit: undefined, attestationPrefix: "" });
  assert.deepEqual(parse("-"), { kind: "tar", destination: { kind: "stdout" }, platformSplit: undefined, attestationPrefix: "" });
});

test("reads images with their options", () => {
  assert.deepEqual(parse("type=registry"), { kind: "image", push: "by-tag", form });
  assert.deepEqual(parse(`type=image,"name=x:1,y:2",push=true,oci-mediatypes=false,compression=zstd,compression-level=19,force-compression=true,annotation-index.k=v`), {
    kind: "image", push: "by-tag",
    form: { ...form, names: ["x:1", "y:2", "a/b:1"], mediaTypes: "docker", artifact: false, compression: { kind: "zstd", level: 19, force: true }, annotations: [{ place: "index", platform: undefined, key: "k", value: "v" }] },
  });
  assert.deepEqual(parse("type=oci,dest=x.tar"), { kind: "oci-tar", destination: { kind: "path", path: "/cwd/x.tar" }, form });
  assert.deepEqual(parse("type=oci,tar=false,dest=x"), { kind: "oci-directory", path: "/cwd/x", form });
});

test("refuses what it does not know, by name", () => {
  for (const [text, message] of [
    ["type=imag", /unknown type "imag"/], ["type=oci,compresion=gzip", /unknown key "compresion"/], ["type=image,compression=lz4", /unsupported compression type lz4/],
    ["type=image,compression-level=ten", /compression-level=ten/], ["type=image,push=yes", /non-bool value "yes" for push/], ["type=local", /dest is required/],
    ["type=image,unpack=true", /unpack: /], ["dest=x", /type is required/], ["type=image,oci-mediatypes=false,oci-artifact=true", /exporter option "oci-artifact=true" conflicts with "oci-mediatypes=false"/], ['type=oci,na"me', /parse error/],
  ] as const) assert.throws(() => parse(text), (error) => error instanceof ExportError && message.test(error.message), text);
});

test("an output that does not say takes the form of attestations that the caller prefers", () => {
  const older = { ...defaults, artifact: false };
  assert.deepEqual(parseOutput("type=oci", older), { kind: "oci-tar", destination: { kind: "stdout" }, form: { ...form, artifact: false } });
  assert.deepEqual(parseOutput("type=oci,oci-artifact=true", older), { kind: "oci-tar", destination: { kind: "stdout" }, form });
});

test("annotations say what they are put on", () => {
  assert.deepEqual(parseAnnotation("foo=bar=baz"), [{ place: "manifest", platform: undefined, key: "foo", value: "bar=baz" }]);
  assert.deepEqual(parseAnnotation("index,manifest[linux/amd64]:k=v"), [{ place: "index", platform: undefined, key: "k", value: "v" }, { place: "manifest", platform: "linux/amd64", key: "k", value: "v" }]);
  assert.throws(() => parseAnnotation("novalue"), /expected \[type:\]key=value/);
  assert.throws(() => parseAnnotation("blob[linux/amd64]:k=v"), /unknown type in "blob\[linux\/amd64\]"/);
});
