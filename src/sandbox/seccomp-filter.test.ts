import assert from "node:assert/strict";
import { test } from "node:test";
import { compileFilter } from "./seccomp-filter.ts";
import { seccompProfile } from "./seccomp-profile.ts";

const X64 = 0xc000_003e;
const X86 = 0x4000_0003;
const ARM64 = 0xc000_00b7;
const ARM = 0x4000_0028;

const ALLOWED = 0x7fff_0000;
const NOT_PERMITTED = 0x0005_0001;
const NO_SUCH_CALL = 0x0005_0026;

const CLONE_NEWUSER = 0x1000_0000n;

/** What the kernel would answer: its machine, as far as these filters use it. */
function answer(processor: string, audit: number, number: number, ...args: readonly bigint[]): number {
  const profile = seccompProfile(processor);
  assert.ok(profile !== undefined);
  const program = new DataView(compileFilter(profile, processor).buffer);
  const call = new DataView(new ArrayBuffer(64));
  call.setUint32(0, number, true);
  call.setUint32(4, audit, true);
  args.forEach((argument, index) => call.setBigUint64(16 + 8 * index, argument, true));
  let accumulator = 0;
  for (let at = 0; ; at++) {
    const code = program.getUint16(8 * at, true);
    const value = program.getUint32(8 * at + 4, true);
    const jump = (is: boolean): number => program.getUint8(8 * at + (is ? 2 : 3));
    if (code === 0x20) accumulator = call.getUint32(value, true);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x05) at += value;
    else if (code === 0x15) at += jump(accumulator === value);
    else if (code === 0x25) at += jump(accumulator > value);
    else if (code === 0x35) at += jump(accumulator >= value);
    else if (code === 0x06) return value;
    else assert.fail(`instruction ${code.toString(16)}`);
  }
}

test("a call is allowed, refused or unknown, by the numbers of its own architecture", () => {
  assert.deepEqual([0, 1, 59, 257].map((number) => answer("x64", X64, number)), Array.from({ length: 4 }, () => ALLOWED), "read, write, execve, openat");
  assert.deepEqual([165, 166, 272, 308, 155].map((number) => answer("x64", X64, number)), Array.from({ length: 5 }, () => NOT_PERMITTED), "mount, umount2, unshare, setns, pivot_root");
  assert.deepEqual([425, 428, 430, 250, 304, 175].map((number) => answer("x64", X64, number)), Array.from({ length: 6 }, () => NO_SUCH_CALL), "io_uring_setup, open_tree, fsopen, keyctl, open_by_handle_at, init_module");
  assert.deepEqual([answer("x64", X86, 21), answer("x64", X86, 310), answer("x64", X86, 3)], [NOT_PERMITTED, NOT_PERMITTED, ALLOWED], "mount, unshare, read");
  assert.deepEqual([answer("arm64", ARM64, 40), answer("arm64", ARM64, 97), answer("arm64", ARM64, 63)], [NOT_PERMITTED, NOT_PERMITTED, ALLOWED], "mount, unshare, read");
});

test("calls of an architecture that the filter does not know are refused, x32 among them", () => {
  assert.equal(answer("arm64", ARM, 3), NO_SUCH_CALL);
  assert.equal(answer("x64", X64, 0x4000_0000), NO_SUCH_CALL);
});

test("arguments decide where the profile says so, with all their 64 bits", () => {
  const clone = (flags: bigint): number => answer("x64", X64, 56, flags);
  assert.deepEqual([clone(17n), clone(0x3d_0f00n), clone(CLONE_NEWUSER | 17n), answer("x64", X64, 435)], [ALLOWED, ALLOWED, NO_SUCH_CALL, NO_SUCH_CALL]);
  const socket = (family: bigint): number => answer("x64", X64, 41, family);
  assert.deepEqual([1n, 2n, 16n, 38n, 39n, 40n, 41n, 2n ** 32n + 1n].map(socket), [ALLOWED, ALLOWED, ALLOWED, NO_SUCH_CALL, ALLOWED, NO_SUCH_CALL, ALLOWED, ALLOWED]);
  const personality = (value: bigint): number => answer("x64", X64, 135, value);
  assert.deepEqual([0n, 8n, 0xffff_ffffn, 0x4_0000n, 2n ** 32n].map(personality), [ALLOWED, ALLOWED, ALLOWED, NO_SUCH_CALL, NO_SUCH_CALL]);
});
