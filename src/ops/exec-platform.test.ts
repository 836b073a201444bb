import assert from "node:assert/strict";
import { test } from "node:test";
import { requireRunnable } from "./exec-platform.ts";
import { OperationError } from "./operation-error.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

test("a machine runs its own platform, and those that it is compatible with", () => {
  requireRunnable(amd64, amd64, []);
  requireRunnable({ os: "linux", architecture: "386" }, amd64, []);
});

test("a foreign platform needs a registered emulator, and the message says so", () => {
  requireRunnable(arm64, amd64, ["qemu-aarch64"]);
  assert.throws(() => requireRunnable(arm64, amd64, ["qemu-arm"]), (error) => error instanceof OperationError && /linux\/arm64 cannot run on this machine \(linux\/amd64\)/.test(error.message));
  assert.throws(() => requireRunnable({ os: "windows", architecture: "amd64" }, amd64, ["qemu-x86_64"]), OperationError);
});
