import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { matchesPlatform } from "../oci/platform-match.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { OperationError } from "./operation-error.ts";
import type { RunsPrograms } from "./runs-programs.ts";

/** Where the kernel lists the emulators that it starts for foreign programs (binfmt_misc). */
const EMULATORS = "/proc/sys/fs/binfmt_misc";

/** QEMU's names, which are not Go's. */
const QEMU_NAMES: Readonly<Record<string, string>> = { amd64: "x86_64", "386": "i386", arm64: "aarch64", loong64: "loongarch64", ppc64le: "ppc64le", mips64le: "mips64el", mipsle: "mipsel" };

const REMEDY = "install qemu-user-static with binfmt support, or build that platform on a machine of its kind";

/** Name → what the kernel says of it: whether it is enabled, its interpreter, its flags. */
export type Emulators = ReadonlyMap<string, string>;

export interface Ground {
  readonly machine: Platform;
  readonly runs: RunsPrograms;
  readonly emulators: () => Emulators;
}

/**
 * Throws OperationError where this machine can run no program of the platform, rather than let the kernel say `exec format error`. Else returns what is to be said of a
 * command that could not be executed; undefined where the platform has no part in that.
 */
export async function requireRunnable(wanted: Platform, { machine, runs, emulators }: Ground): Promise<string | undefined> {
  if (wanted.os === machine.os && wanted.architecture === machine.architecture) return undefined;
  const cannot = (why: string): OperationError => new OperationError("unsupported", `RUN for ${formatPlatform(wanted)} cannot run on this machine (${formatPlatform(machine)}): ${why}`);
  if (wanted.os !== machine.os) throw cannot("no emulator helps for another operating system; build that platform on a machine of its kind");
  const name = `qemu-${QEMU_NAMES[wanted.architecture] ?? wanted.architecture}`;
  const [there, list] = [await runs(wanted.architecture), emulators()];
  // Where nothing could be tried, the list of emulators has to do; processors run some programs of their lesser kin.
  if (there ?? (matchesPlatform(machine, wanted) || troubleWith(name, list) === undefined)) return hintOf(name, list);
  throw cannot(troubleWith(name, list) ?? `the emulator ${name} is registered, and does not start; ${REMEDY}`);
}

function troubleWith(name: string, emulators: Emulators): string | undefined {
  const registration = emulators.get(name);
  if (registration === undefined) return `the emulator ${name} is not registered; ${REMEDY}`;
  if (/^disabled$/m.test(emulators.get("status") ?? "")) return `emulators are disabled; enable them with: echo 1 > ${EMULATORS}/status`;
  if (!/^enabled$/m.test(registration)) return `the emulator ${name} is registered but disabled; enable it with: echo 1 > ${EMULATORS}/${name}`;
  return undefined;
}

/** Without flag F the kernel looks for the emulator when it needs it, and then in the tree that it runs in. */
function hintOf(name: string, emulators: Emulators): string | undefined {
  const registration = emulators.get(name) ?? "";
  const [, interpreter] = /^interpreter (.*)$/m.exec(registration) ?? [];
  if (interpreter === undefined || /^flags: .*F/m.test(registration)) return undefined;
  return `the emulator ${name} is registered without flag F, and so looked for in the image, as ${interpreter}: register it with F (--fix-binary yes), or copy it there`;
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
