import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { matchesPlatform } from "../oci/platform-match.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { OperationError } from "./operation-error.ts";

/** Where the kernel lists the emulators that it starts for foreign programs (binfmt_misc). */
const EMULATORS = "/proc/sys/fs/binfmt_misc";

/** QEMU's names, which are not Go's. */
const QEMU_NAMES: Readonly<Record<string, string>> = { amd64: "x86_64", "386": "i386", arm64: "aarch64", loong64: "loongarch64", ppc64le: "ppc64le", mips64le: "mips64el", mipsle: "mipsel" };

/** Name → what the kernel says of it: whether it is enabled, its interpreter, its flags. */
export type Emulators = ReadonlyMap<string, string>;

/** Throws OperationError where this machine can run no program of the platform, rather than let the kernel say `exec format error`. */
export function requireRunnable(wanted: Platform, machine: Platform, emulators: Emulators): void {
  if (matchesPlatform(machine, wanted)) return;
  const name = `qemu-${QEMU_NAMES[wanted.architecture] ?? wanted.architecture}`;
  const trouble = wanted.os === machine.os ? troubleWith(name, emulators.get(name)) : "no emulator helps for another operating system; build that platform on a machine of its kind";
  if (trouble !== undefined) throw new OperationError("unsupported", `RUN for ${formatPlatform(wanted)} cannot run on this machine (${formatPlatform(machine)}): ${trouble}`);
}

function troubleWith(name: string, registration: string | undefined): string | undefined {
  const remedy = "install qemu-user-static with binfmt support, or build that platform on a machine of its kind";
  if (registration === undefined) return `the emulator ${name} is not registered; ${remedy}`;
  if (!/^enabled$/m.test(registration)) return `the emulator ${name} is registered but disabled; enable it with: echo 1 > ${EMULATORS}/${name}`;
  return undefined;
}

/** None where binfmt_misc is not mounted. */
export function registeredEmulators(): Emulators {
  try {
    return new Map(readdirSync(EMULATORS).map((name) => [name, name === "register" ? "" : readFileSync(join(EMULATORS, name), "utf8")]));
  } catch {
    // Not mounted, or not for us to see: then nothing is known to help.
    return new Map();
  }
}
