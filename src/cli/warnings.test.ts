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
  for (const text of ["nothing", "check,format=xml", "check,color=red"]) assert.throws(() => call(`--call=${text}`), new RegExp(`--call=${text}`));
});
