import assert from "node:assert/strict";
import { test } from "node:test";
import { markerHolds } from "./marker.ts";

const CASES: ReadonlyArray<readonly [marker: string, holds: boolean | undefined]> = [
  ['sys_platform == "win32"', false],
  ["sys_platform == 'linux' and os_name == \"posix\"", true],
  ['platform_system != "Windows"', true],
  ['"linux" in sys_platform', true],
  ['sys_platform not in "win32 cygwin"', true],
  ['extra == "socks"', false],
  ['python_version < "3.9"', false],
  ['python_version >= "3.9"', true],
  ['python_version == "3.11"', true],
  ['"3.10" <= python_version', true],
  ['python_version < "3.9" or python_version > "3.10"', true],
  ['(python_version < "3.9" or extra == "a") and os_name == "posix"', false],
  ['implementation_name == "pypy"', undefined],
  ['implementation_name == "pypy" and sys_platform == "win32"', false],
  ['implementation_name == "pypy" or sys_platform == "linux"', true],
  ['implementation_name == "pypy" and sys_platform == "linux"', undefined],
  ['python_version == "3.*"', false],
  ['python_full_version < "3.11.2"', undefined],
  ["", undefined],
  ["sys_platform ==", undefined],
  ['sys_platform == "win32" sys_platform', undefined],
  ['sys_platform = "win32"', undefined],
  ["(".repeat(100_000), undefined],
  [`${"(".repeat(60)}os_name == "nt"${")".repeat(60)}`, undefined],
];

for (const [marker, holds] of CASES) {
  test(`${holds === undefined ? "nothing is known of" : holds ? "holds" : "does not hold"}: ${marker.slice(0, 80)}`, () => {
    assert.equal(markerHolds(marker, { pythonVersion: "3.11" }), holds);
  });
}

test("without a known version of Python, what asks for one decides nothing", () => {
  assert.equal(markerHolds('python_version < "3.9"', { pythonVersion: undefined }), undefined);
});
