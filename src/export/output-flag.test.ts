import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnnotation } from "./annotations.ts";
import { ExportError } from "./error.ts";
import type { AttestStore } from "./evidence.ts";
import { inFormOf, parseOutput, type OutputDefaults } from "./output-flag.ts";
import { epochOf, type EngineDestination, type ImageForm } from "./target.ts";

const evidence = { store: { kind: "index" }, artifact: true } as const;
const engine = (context = "none"): EngineDestination => ({ kind: "engine", address: `unix:///${context}`, takes: undefined });
const defaults: OutputDefaults = { names: ["a/b:1"], annotations: [], evidence, attestArchives: false, compat: undefined, engine, path: (text: string) => `/cwd/${text}` };
const form = { names: ["a/b:1"], compression: { kind: "gzip", level: undefined, force: false }, mediaTypes: "oci", compat: undefined, evidence, attestInline: true, rewriteTimestamp: false, epoch: undefined, annotations: [], prefersRoot: false };
const plain = { platformSplit: undefined, attestationPrefix: "", epoch: undefined };
const archived = { ...form, attestInline: false };
const parse = (text: string): unknown => parseOutput(text, defaults);

test("a path is a directory, - a tar on standard output", () => {
  assert.deepEqual(parse("out"), { kind: "local", mode: "copy", path: "/cwd/out", ...plain });
  for (const text of ["-", "type=tar", "type=tar,dest=", "type=tar,dest=-"]) assert.deepEqual(parse(text), { kind: "tar", destination: { kind: "stdout" }, ...plain }, text);
});

test("reads images with their options", () => {
  assert.deepEqual(parse("type=registry"), { kind: "image", push: true, byDigest: false, insecure: false, form });
  assert.deepEqual(parse(`type=image,"name=x:1,y:2",push=true,oci-mediatypes=false,compression=zstd,compression-level=19,force-compression=true,annotation-index.k=v`), {
    kind: "image", push: true, byDigest: false, insecure: false,
    form: { ...form, names: ["x:1", "y:2", "a/b:1"], mediaTypes: "docker", compression: { kind: "zstd", level: 19, force: true }, annotations: [{ place: "index", platform: undefined, key: "k", value: "v" }] },
  });
  assert.deepEqual(parse("type=oci,dest=x.tar"), { kind: "oci-tar", destination: { kind: "path", path: "/cwd/x.tar" }, form: archived });
  assert.deepEqual(parse("type=oci,tar=false,dest=x"), { kind: "oci-directory", path: "/cwd/x", form: archived });
});

test("a level that compression has not is the nearest, none, or refused", () => {
  const levelOf = (keys: string): unknown => (parse(`type=image,${keys}`) as { readonly form: ImageForm }).form.compression.level;
  assert.deepEqual(["compression=zstd,compression-level=77", "compression=zstd,compression-level=-3", "compression=uncompressed,compression-level=77", "compression-level=-1"].map(levelOf), [22, 0, undefined, undefined]);
});

test("an output may have an epoch of its own, or none, and a registry that is not to be trusted", () => {
  assert.deepEqual(parse("type=registry,registry.insecure=true,source-date-epoch=0"), { kind: "image", push: true, byDigest: false, insecure: true, form: { ...form, epoch: { seconds: 0 } } });
  assert.deepEqual(parse("type=tar,source-date-epoch="), { kind: "tar", destination: { kind: "stdout" }, ...plain, epoch: { seconds: undefined } });
  assert.deepEqual([epochOf(undefined, 5n), epochOf({ seconds: 1 }, 5n), epochOf({ seconds: undefined }, 5n)], [5n, 1_000_000_000n, undefined]);
});

test("push-by-digest says how to push, and not that", () => {
  const image = { kind: "image", byDigest: true, insecure: false, form };
  assert.deepEqual(parse("type=image,push-by-digest=true"), { ...image, push: false });
  assert.deepEqual(parse("type=image,push-by-digest=true,push=true"), { ...image, push: true });
});

test("push and its like are meant where nothing is behind the key, as by BuildKit", () => {
  assert.deepEqual(parse("type=image,push=,registry.insecure=,unpack=,store=,name-canonical=,danging-name-empty-only="), { kind: "image", push: true, byDigest: false, insecure: true, form });
  assert.deepEqual(parse("type=oci,tar=,dest=x.tar"), parse("type=oci,dest=x.tar"));
  assert.throws(() => parse("type=image,rewrite-timestamp="), /non-bool value "" for rewrite-timestamp/);
});

test("takes what an image store would do, and does nothing for it", () => {
  assert.deepEqual(parse("type=image,unpack=true,store=true,name-canonical=true"), parse("type=image"));
});

test("refuses what it does not know, by name", () => {
  for (const [text, message] of [
    ["type=imag", /exporter "imag" could not be found: use /], ["type=oci,compresion=gzip", /unknown key "compresion"/], ["type=image,pusch=false", /unknown key "pusch"/], ["type=image,compression=lz4", /unsupported compression type lz4/],
    ["type=image,compression-level=ten", /compression-level=ten/], ["type=image,compression-level=10", /compression-level=10/], ["type=image,compression=uncompressed,compression-level=ten", /compression-level=ten/], ["type=image,push=yes", /non-bool value "yes" for push/], ["type=local", /dest is required for local exporter/], ["type=oci,tar=false,dest=-", /dest cannot be stdout for oci exporter/],
    ["type=local,dest=x,mode=move", /invalid local exporter mode "move"/], ["type=image,unpack=yes", /non-bool value "yes" for unpack/], ["type=image,unpack=true,rewrite-timestamp=true", /exporter option "rewrite-timestamp" conflicts with "unpack"$/], ["type=image,name-canonical=x", /non-bool value "x" for name-canonical/], ["type=oci,source-date-epoch=now", /invalid source-date-epoch: "now"/], ["type=oci,source-date-epoch=1.5", /invalid source-date-epoch/], ["dest=x", /type is required/], ["type=image,oci-mediatypes=false,oci-artifact=true", /exporter option "oci-artifact=true" conflicts with "oci-mediatypes=false"/], ['type=oci,na"me', /parse error/],
  ] as const) assert.throws(() => parse(text), (error) => error instanceof ExportError && message.test(error.message), text);
});

test("an output that does not say takes the form of attestations that the caller prefers", () => {
  const older = { ...defaults, evidence: { ...evidence, artifact: false } };
  assert.deepEqual(parseOutput("type=oci", older), { kind: "oci-tar", destination: { kind: "stdout" }, form: { ...archived, evidence: older.evidence } });
  assert.deepEqual(parseOutput("type=oci,oci-artifact=true", older), { kind: "oci-tar", destination: { kind: "stdout" }, form: archived });
  assert.deepEqual(parseOutput("type=oci,oci-artifact=0,attestation-inline=1", defaults), { kind: "oci-tar", destination: { kind: "stdout" }, form: { ...form, evidence: older.evidence } });
});

test("evidence that was given a place goes with archives too, where they can have it", () => {
  const inline = (text: string, store: AttestStore): boolean => {
    const parsed = parseOutput(text, { ...defaults, evidence: { store, artifact: true }, attestArchives: true });
    return "form" in parsed && parsed.form.attestInline;
  };
  const [index, file] = [{ kind: "index" }, { kind: "file", directory: "/x" }] as const;
  assert.deepEqual([inline("type=oci", index), inline("type=oci,attestation-inline=false", index)], [true, false]);
  assert.deepEqual([inline("type=docker,dest=x", index), inline("type=docker,dest=x", file)], [false, true]);
});

test("without dest, the docker form is for an engine, in the form that it takes", () => {
  const loaded = (text: string, takes: "docker" | "oci", more: Partial<OutputDefaults> = {}): readonly unknown[] => {
    const target = inFormOf(parseOutput(text, { ...defaults, ...more }), takes);
    return "form" in target && "destination" in target ? [target.kind, target.destination, target.form.attestInline] : [];
  };
  const at = (address: string, takes: "docker" | "oci"): object => ({ kind: "engine", address, takes });
  assert.deepEqual(parse("type=docker"), { kind: "docker-tar", destination: { kind: "engine", address: "unix:///none", takes: undefined }, form: archived });
  assert.deepEqual(loaded("type=docker", "docker"), ["docker-tar", at("unix:///none", "docker"), false]);
  assert.deepEqual(loaded("type=docker,context=x", "oci"), ["oci-tar", at("unix:///x", "oci"), false]);
  const [index, file] = [{ attestArchives: true }, { attestArchives: true, evidence: { ...evidence, store: { kind: "file", directory: "/x" } } }] as const;
  assert.deepEqual([loaded("type=docker", "oci", index)[2], loaded("type=docker", "docker", index)[2], loaded("type=docker", "docker", file)[2]], [true, false, true]);
  assert.deepEqual(parse("type=docker,dest=-"), { kind: "docker-tar", destination: { kind: "stdout" }, form: archived });
  for (const text of ["type=docker,dest=x,context=y", "type=oci,context=y"]) assert.throws(() => parse(text), /context: it is for type=docker without dest/);
});

test("a store, or a consumer, that an output cannot be for is refused by both names", () => {
  const refuses = (text: string, more: Partial<OutputDefaults>, message: RegExp): void => {
    assert.throws(() => parseOutput(text, { ...defaults, ...more }), (error) => error instanceof ExportError && message.test(error.message), text);
  };
  const referrers = { evidence: { store: { kind: "referrers", otherwise: "index" }, artifact: true } } as const;
  refuses("type=image,oci-artifact=false", referrers, /^--output type=image,oci-artifact=false: oci-artifact=false conflicts with --attest-store=referrers: /);
  refuses("type=image,oci-mediatypes=true", { compat: "docker-v2" }, /oci-mediatypes=true conflicts with --compat=docker-v2/);
  refuses("type=image,compression=zstd", { compat: "docker-v2" }, /compression=zstd conflicts with --compat=docker-v2/);
});

test("Docker's media types are the consumer's choice, or the output's, and no index of theirs stands in for referrers", () => {
  const store = { kind: "referrers", otherwise: "none" } as const;
  const compatible = parseOutput("type=image", { ...defaults, compat: "docker-v2", evidence: { store, artifact: true } });
  assert.ok("form" in compatible);
  assert.deepEqual([compatible.form.mediaTypes, compatible.form.evidence], ["docker", { store, artifact: true }]);
  const chosen = parseOutput("type=image,oci-mediatypes=false", { ...defaults, evidence: { store: { ...store, otherwise: "index" }, artifact: true } });
  assert.ok("form" in chosen);
  assert.deepEqual(chosen.form.evidence.store, { ...store, otherwise: "fail" });
});

test("an image for a Docker engine is no directory", () => {
  const refuses = (text: string, message: string): void => assert.throws(() => parseOutput(text, defaults), { message: `--output ${text}: ${message}` });
  refuses("type=docker,tar=false", "dest is required for docker exporter");
  refuses("type=docker,tar=false,dest=out", "both file and store output is not supported by docker exporter");
  assert.deepEqual(parseOutput("type=docker,tar=true,dest=out", defaults), parseOutput("type=docker,dest=out", defaults));
});

test("annotations say what they are put on", () => {
  assert.deepEqual(parseAnnotation("foo=bar=baz"), [{ place: "manifest", platform: undefined, key: "foo", value: "bar=baz" }]);
  assert.deepEqual(parseAnnotation("index,manifest[linux/amd64]:k=v"), [{ place: "index", platform: undefined, key: "k", value: "v" }, { place: "manifest", platform: "linux/amd64", key: "k", value: "v" }]);
  assert.throws(() => parseAnnotation("novalue"), { message: 'parse annotations: invalid annotation "novalue", expected key=value' });
  assert.throws(() => parseAnnotation("blob[linux/amd64]:k=v"), { message: 'parse annotations: unknown annotation type "blob": use manifest, manifest-descriptor, index, index-descriptor' });
  assert.throws(() => parseAnnotation("example.com:k=v"), /invalid annotation type "example.com", expected type and optional platform in square brackets$/);
  assert.deepEqual(parseAnnotation("manifest[linux/arm64/v8]:k:l=v"), [{ place: "manifest", platform: "linux/arm64", key: "k:l", value: "v" }]);
  assert.throws(() => parseAnnotation("index[linux/a/b/c]:k=v"), /invalid platform "linux\/a\/b\/c": .*cannot parse platform specifier/);
});
