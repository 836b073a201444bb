import assert from "node:assert/strict";
import { test } from "node:test";
import { callOf } from "./build-call.ts";
import { parseBuildFlags, resourcesOf } from "./build-flags.ts";
import { parsePairs } from "./pairs.ts";
import { UsageError } from "./usage-error.ts";

test("reads buildx's words, long and short", () => {
  const flags = parseBuildFlags(["-f", "-", "-t", "a:1", "--tag=a:2", "--push", "--build-arg", "A=b=c", "--no-cache=false", "-q", "."]);
  assert.equal(flags.context, ".");
  assert.equal(flags.text("file"), "-");
  assert.deepEqual(flags.all("tag"), ["a:1", "a:2"]);
  assert.deepEqual(flags.all("build-arg"), ["A=b=c"]);
  assert.deepEqual([flags.on("push"), flags.on("no-cache"), flags.on("quiet"), flags.on("pull")], [true, false, true, false]);
});

test("silently ignores nothing", () => {
  assert.throws(() => parseBuildFlags(["--polices", "x", "."]), (error) => error instanceof UsageError && error.message === "unknown flag: --polices");
});

test("a flag with nothing behind it is one that was not given", () => {
  const flags = parseBuildFlags(["-f", "", "--target=", "--iidfile", "", "--metadata-file=", "--tag", "", "."]);
  assert.deepEqual(["file", "target", "iidfile", "metadata-file"].map((name) => flags.text(name)), [undefined, undefined, undefined, undefined]);
  // What may be given several times is taken as it is: an empty name of an image is a slip.
  assert.deepEqual(flags.all("tag"), [""]);
});

test("pairs without a name are refused in buildx's words", () => {
  for (const flag of ["label", "build-arg"]) assert.throws(() => parsePairs(flag, ["=y"], {}), { message: 'invalid key-value pair "=y": empty key' });
  assert.throws(() => parsePairs("build-context", ["=y"], {}), { message: "invalid context name : invalid reference format" });
});


test("--print is the older name of --call", () => {
  assert.deepEqual(callOf(parseBuildFlags(["--print", "outline,format=json", "."])), callOf(parseBuildFlags(["--call=outline,format=json", "."])));
});

test("limits by their older names come before those of --resource, wherever they stand", () => {
  const flags = parseBuildFlags(["--resource", "memory=2g", "-c", "5", "-m", "1g", "--memory=3g", "--memory-swap", "-1", "--cpu-period=1", "--cpu-quota=2", "--cpuset-cpus=0", "--cpuset-mems=1", "--resource=cpu-shares=7", "."]);
  assert.deepEqual(resourcesOf(flags), ["memory=1g", "memory=3g", "memory-swap=-1", "cpu-shares=5", "cpu-period=1", "cpu-quota=2", "cpuset-cpus=0", "cpuset-mems=1", "memory=2g", "cpu-shares=7"]);
});

test("takes flags of the classic builder, and says of those what buildx says", () => {
  const { warnings, context } = parseBuildFlags(["--rm", "--force-rm=false", "--compress", "--isolation", "hyperv", "--security-opt=seccomp=x", "--squash", "."]);
  assert.equal(context, ".");
  assert.deepEqual(warnings, [
    "isolation flag is deprecated with BuildKit.",
    'security-opt flag is deprecated. "RUN --security=insecure" should be used with BuildKit.',
    "experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage Dockerfile for efficiency.",
  ]);
});

test("refuses what is no flag, a flag without its value, and two contexts", () => {
  assert.throws(() => parseBuildFlags(["--tga", "x", "."]), /unknown flag: --tga/);
  assert.throws(() => parseBuildFlags(["-z", "."]), /unknown shorthand flag: 'z' in -z/);
  assert.throws(() => parseBuildFlags([".", "--tag"]), /flag needs an argument: --tag/);
  assert.throws(() => parseBuildFlags([".", "there"]), /one context is needed/);
  assert.throws(() => parseBuildFlags(["--push=maybe", "."]).on("push"), /invalid argument "maybe" for "--push" flag: /);
});
