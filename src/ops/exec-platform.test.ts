import assert from "node:assert/strict";
import { test } from "node:test";
import { requireRunnable, type Emulators } from "./exec-platform.ts";
import { OperationError } from "./operation-error.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64" };

const ENABLED = "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\n";
const aarch64 = (registration: string): Emulators => new Map([["register", ""], ["status", "enabled\n"], ["qemu-aarch64", registration]]);

interface Here {
  /** Whether a program was run; undefined where that could not be tried. */
  readonly runs: boolean | undefined;
  readonly emulators?: Emulators;
}

async function hint(wanted: Parameters<typeof requireRunnable>[0], { runs, emulators = new Map() }: Here): Promise<string | undefined> {
  return await requireRunnable(wanted, { machine: amd64, runs: async () => await Promise.resolve(runs), emulators: () => emulators });
}

async function refusal(wanted: Parameters<typeof requireRunnable>[0], here: Here): Promise<string> {
  try {
    await hint(wanted, here);
    return "";
  } catch (error) {
    assert.ok(error instanceof OperationError && error.code === "unsupported");
    return error.message;
  }
}

test("a machine runs its own platform, and those of its lesser kin unless the kernel will not", async () => {
  assert.equal(await refusal(amd64, { runs: false }), "");
  const lesser = { os: "linux", architecture: "386" };
  assert.equal(await refusal(lesser, { runs: true }), "");
  assert.equal(await refusal(lesser, { runs: undefined }), "");
  assert.match(await refusal(lesser, { runs: false }), /the emulator qemu-i386 is not registered/);
});

test("what runs is let run, however its emulator is called and wherever the list of them is", async () => {
  assert.equal(await hint(arm64, { runs: true }), undefined);
  assert.equal(await hint(arm64, { runs: true, emulators: new Map([["rosetta", ENABLED]]) }), undefined);
});

test("a foreign platform needs a registered emulator, and the message names it", async () => {
  assert.equal(await refusal(arm64, { runs: undefined, emulators: aarch64(ENABLED) }), "");
  for (const runs of [false, undefined]) {
    assert.match(await refusal(arm64, { runs, emulators: new Map([["qemu-arm", ENABLED]]) }), /^RUN for linux\/arm64 cannot run on this machine \(linux\/amd64\): the emulator qemu-aarch64 is not registered; install qemu-user-static/);
  }
  assert.match(await refusal({ os: "linux", architecture: "riscv64" }, { runs: false }), /the emulator qemu-riscv64 is not registered/);
  assert.match(await refusal({ os: "windows", architecture: "amd64" }, { runs: true, emulators: new Map([["qemu-x86_64", ENABLED]]) }), /no emulator helps for another operating system/);
});

test("an emulator that is disabled, alone or with all others, or that does not start, is told", async () => {
  assert.match(await refusal(arm64, { runs: false, emulators: aarch64(ENABLED.replace("enabled", "disabled")) }), /qemu-aarch64 is registered but disabled; enable it with: echo 1 > /);
  assert.match(await refusal(arm64, { runs: false, emulators: new Map([...aarch64(ENABLED), ["status", "disabled\n"]]) }), /emulators are disabled; enable them with: echo 1 > .*\/status$/);
  assert.match(await refusal(arm64, { runs: false, emulators: aarch64(ENABLED) }), /the emulator qemu-aarch64 is registered, and does not start/);
});

test("an emulator that the kernel will look for in the image is told where a command was not executed", async () => {
  assert.equal(await hint(arm64, { runs: true, emulators: aarch64(ENABLED) }), undefined);
  assert.match((await hint(arm64, { runs: true, emulators: aarch64(ENABLED.replace("OCF", "OC")) })) ?? "", /^the emulator qemu-aarch64 is registered without flag F, and so looked for in the image, as \/usr\/bin\/qemu-aarch64-static: /);
});
