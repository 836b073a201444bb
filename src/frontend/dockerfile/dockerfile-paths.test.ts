import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { absolutePath, baseName, cleanPath, DockerfilePathError, isAbsolutePath, joinPath, workingDirectory } from "./dockerfile-paths.ts";

interface Row {
  readonly fn: string;
  readonly in: string;
  readonly out?: unknown;
  readonly error?: string | null;
  readonly parent?: string;
  readonly os?: string;
  readonly keepSlash?: boolean;
}

const oracle = conformance<{ readonly cases: readonly Row[] }>("vectors/go_functions_oracle.json");

const FUNCTIONS: Readonly<Record<string, (row: Row) => unknown>> = {
  "path.Clean": (row) => cleanPath(row.in),
  "path.Base": (row) => baseName(row.in),
  "path.Join('/',x)": (row) => joinPath("/", row.in),
  "system.NormalizePath": (row) => absolutePath(row.parent ?? "", row.in, row.os ?? "", row.keepSlash === true),
  "system.NormalizeWorkdir": (row) => workingDirectory(row.parent ?? "", row.in, row.os ?? ""),
  "system.IsAbs": (row) => isAbsolutePath(row.in, row.os ?? ""),
};

for (const [fn, call] of Object.entries(FUNCTIONS)) {
  test(`${fn} gives what Go's gives`, { skip: oracle.skip }, () => {
    const rows = oracle.read().cases.filter((row) => row.fn === fn);
    assert.ok(rows.length > 0);
    for (const row of rows) {
      if (typeof row.error === "string") assert.throws(() => call(row), { message: row.error }, JSON.stringify(row));
      else assert.deepEqual(call(row), row.out, JSON.stringify(row));
    }
  });
}

test("paths of other drives and shares are refused", () => {
  for (const path of ["D:\\a", "C:", "\\\\host\\share"]) assert.throws(() => absolutePath("/", path, "windows", false), DockerfilePathError);
  assert.equal(absolutePath("C:\\work", "a\\b\\", "windows", true), "/work/a/b/");
  assert.equal(workingDirectory("\\work", "C:\\x", "windows"), "\\x");
});
