import assert from "node:assert/strict";
import { test } from "node:test";
import { absolutePath, DockerfilePathError, workingDirectory } from "./dockerfile-paths.ts";

test("paths of other drives and shares are refused", () => {
  for (const path of ["D:\\a", "C:", "\\\\host\\share"]) assert.throws(() => absolutePath("/", path, "windows", false), DockerfilePathError);
  assert.equal(absolutePath("C:\\work", "a\\b\\", "windows", true), "/work/a/b/");
  assert.equal(workingDirectory("\\work", "C:\\x", "windows"), "\\x");
});
