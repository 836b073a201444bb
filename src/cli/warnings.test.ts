import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBuildFlags } from "./build-flags.ts";
import { callOf } from "./build-call.ts";
import { annotations, warningsText, type BuildWarning } from "./warnings.ts";

const warning: BuildWarning = { kind: "warning", rule: "UndefinedVar", message: "100% of\n'$X'", url: "", detail: "", location: { filename: "Dockerfile", text: "", startLine: 3, endLine: 4 } };

test("warnings are counted and listed with their lines", () => {
  assert.equal(warningsText([]), "");
  assert.equal(warningsText([{ ...warning, message: "a" }, { ...warning, message: "b", location: undefined }]), "\n 2 warnings found (use docker --debug to expand):\n - UndefinedVar: a (line 3)\n - UndefinedVar: b\n");
});

test("with --debug, each warning is told with what it is about", () => {
  const found: BuildWarning = { ...warning, message: "a", detail: "Why it is one", url: "https://docs.example/a", location: { filename: "Dockerfile", text: "FROM scratch\nENV A=$B\n", startLine: 2, endLine: 2 } };
  assert.equal(warningsText([found, { ...found, message: "b", detail: "", url: "", location: undefined }], "expanded"), `
 2 warnings found:
 - UndefinedVar: a (line 2)
Why it is one
More info: https://docs.example/a
Dockerfile:2
--------------------
   1 |     FROM scratch
   2 | >>> ENV A=$B
   3 |     
--------------------

 - UndefinedVar: b

`);
});

test("what was found twice at one place is told of once", () => {
  const elsewhere: BuildWarning = { ...warning, location: { filename: "Dockerfile", text: "", startLine: 5, endLine: 5 } };
  assert.equal(warningsText([warning, { ...warning }, elsewhere]), warningsText([warning, elsewhere]));
  const env = { GITHUB_ACTIONS: "true" };
  assert.equal(annotations([warning, { ...warning }, elsewhere], undefined, { env, cwd: "/" }), annotations([warning, elsewhere], undefined, { env, cwd: "/" }));
});

test("annotations are written for GitHub's workflows only, with what they cannot hold escaped", () => {
  assert.equal(annotations([warning], "a/Dockerfile", { env: {}, cwd: "/work" }), "");
  const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: "/work" };
  assert.equal(annotations([warning], "Docker,file", { env, cwd: "/work/sub" }), "::warning file=sub/Docker%2Cfile,line=3,endLine=4,title=UndefinedVar::100%25 of%0A'$X'\n");
  assert.equal(annotations([{ ...warning, location: undefined }], undefined, { env, cwd: "/" }), "::warning title=UndefinedVar::100%25 of%0A'$X'\n");
});

test("a call is asked for by its name, and has a form and a status", () => {
  const call = (...args: readonly string[]): ReturnType<typeof callOf> => callOf(parseBuildFlags([...args, "."]));
  assert.equal(call(), undefined);
  assert.equal(call("--call=build"), undefined);
  assert.deepEqual(call("--check"), { name: "check", format: "text", ignoreStatus: false });
  assert.deepEqual(call("--call", "lint,format=json,ignorestatus=true"), { name: "check", format: "json", ignoreStatus: true });
  assert.deepEqual(call("--call=lint,ignorestatus=T"), { name: "check", format: "text", ignoreStatus: true });
});

test("of the flags that ask for a call the last one counts", () => {
  const name = (...args: readonly string[]): string | undefined => callOf(parseBuildFlags([...args, "."]))?.name;
  assert.equal(name("--check", "--call=outline"), "outline");
  assert.equal(name("--call=outline", "--check"), "check");
  assert.equal(name("--check", "--call", "build"), undefined);
  assert.equal(name("--call=outline", "--check=false"), "outline");
  assert.equal(name("--call=outline", "--print=targets"), "targets");
});

test("a call that cannot be read is refused in buildx's words", () => {
  const refused = (text: string, message: string): void => assert.throws(() => callOf(parseBuildFlags([`--call=${text}`, "."])), { message });
  refused("nothing", "unsupported request frontend.nothing: use build, check, outline, targets or subrequests.describe");
  refused("check,format=xml", "--call=check,format=xml: format is text or json");
  refused("check,color=red", "invalid print field: color=red");
  refused("check,type=outline", "invalid print field: type=outline");
  refused("check,outline", "invalid print value: check,outline");
  refused("check,ignorestatus=yes", 'invalid ignorestatus print value: yes: strconv.ParseBool: parsing "yes": invalid syntax');
});
