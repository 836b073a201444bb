import { readdirSync } from "node:fs";
import { matchesPlatform } from "../oci/platform-match.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { OperationError } from "./operation-error.ts";

/** Where the kernel lists the emulators that it starts for foreign programs (binfmt_misc). */
const EMULATORS = "/proc/sys/fs/binfmt_misc";

/** QEMU's names, which are not Go's. */
const QEMU_NAMES: Readonly<Record<string, string>> = { amd64: "x86_64", "386": "i386", arm64: "aarch64", loong64: "loongarch64", ppc64le: "ppc64le", mips64le: "mips64el", mipsle: "mipsel" };

/** Throws OperationError where this machine can run no program of the platform, rather than let the kernel say `exec format error`. */
export function requireRunnable(wanted: Platform, machine: Platform, emulators: readonly string[]): void {
  if (matchesPlatform(machine, wanted)) return;
  const name = `qemu-${QEMU_NAMES[wanted.architecture] ?? wanted.architecture}`;
  if (wanted.os === machine.os && emulators.some((each) => each === name)) return;
  throw new OperationError("unsupported", `RUN for ${formatPlatform(wanted)} cannot run on this machine (${formatPlatform(machine)}): no emulator is registered for it; install qemu-user-static with binfmt support, or build that platform on a machine of its kind`);
}

/** Names of what is registered; none where binfmt_misc is not mounted. */
export function registeredEmulators(): readonly string[] {
  try {
    return readdirSync(EMULATORS);
  } catch {
    // Not mounted, or not for us to see: then nothing is known to help.
    return [];
  }
}
