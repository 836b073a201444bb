import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtempDisposable, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hostPlatform } from "../host/host-platform.ts";
import { runsPrograms } from "./runs-programs.ts";
import { ARCHITECTURES, smallestProgram } from "./smallest-program.ts";

const known = ARCHITECTURES.includes(hostPlatform().architecture) && process.platform === "linux";

test("this machine runs the smallest program of its own architecture, once, and none of one that nobody knows", { skip: !known && "no program of this machine is known" }, async () => {
  await using scratch = await mkdtempDisposable(join(tmpdir(), "stemma-runs-"));
  let claims = 0;
  const runs = runsPrograms({
    claim: () => (claims++, scratch.path),
    discard: async (path) => await rm(join(path, "program"), { force: true }),
  });
  assert.deepEqual([await runs(hostPlatform().architecture), await runs(hostPlatform().architecture), await runs("pdp11")], [true, true, undefined]);
  assert.equal(claims, 1);
  assert.ok(!existsSync(join(scratch.path, "program")));
});

test("a smallest program is an ELF file of its machine, one segment long", () => {
  const described = ARCHITECTURES.map((architecture) => {
    const program = smallestProgram(architecture) ?? assert.fail(architecture);
    const isBig = program[5] === 2;
    const machine = isBig ? program.readUInt16BE(18) : program.readUInt16LE(18);
    const size = program[4] === 2 ? Number(isBig ? program.readBigUInt64BE(64 + 32) : program.readBigUInt64LE(64 + 32)) : program.readUInt32LE(52 + 16);
    assert.equal(size, program.byteLength, architecture);
    return `${architecture} ${(program[4] ?? 0) * 32} ${isBig ? "big" : "little"} ${machine}`;
  });
  assert.deepEqual(described, ["386 32 little 3", "amd64 64 little 62", "arm 32 little 40", "arm64 64 little 183", "loong64 64 little 258", "mips64le 64 little 8", "mipsle 32 little 8", "ppc64le 64 little 21", "riscv64 64 little 243", "s390x 64 big 22"]);
});
