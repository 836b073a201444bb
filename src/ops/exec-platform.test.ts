import assert from "node:assert/strict";
import { test } from "node:test";
import { requireRunnable } from "./exec-platform.ts";
import { OperationError } from "./operation-error.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

const ENABLED = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\n";

function refusal(wanted: Parameters<typeof requireRunnable>[0], emulators: Parameters<typeof requireRunnable>[2]): string {
  try {
    requireRunnable(wanted, amd64, emulators);
    return "";
  } catch (error) {
    assert.ok(error instanceof OperationError && error.code === "unsupported");
    return error.message;
  }
}

test("a machine runs its own platform, and those that it is compatible with", () => {
  requireRunnable(amd64, amd64, new Map());
  requireRunnable({ os: "linux", architecture: "386" }, amd64, new Map());
});

test("a foreign platform needs a registered emulator, and the message names it", () => {
  assert.equal(refusal(arm64, new Map([["qemu-aarch64", ENABLED]])), "");
  assert.match(refusal(arm64, new Map([["qemu-arm", ENABLED]])), /^RUN for linux\/arm64 cannot run on this machine \(linux\/amd64\): the emulator qemu-aarch64 is not registered; install qemu-user-static/);
  assert.match(refusal({ os: "linux", architecture: "riscv64" }, new Map()), /the emulator qemu-riscv64 is not registered/);
  assert.match(refusal({ os: "windows", architecture: "amd64" }, new Map([["qemu-x86_64", ENABLED]])), /no emulator helps for another operating system/);
});

test("an emulator that is disabled is told", () => {
  assert.match(refusal(arm64, new Map([["qemu-aarch64", ENABLED.replace("enabled", "disabled")]])), /qemu-aarch64 is registered but disabled/);
});
