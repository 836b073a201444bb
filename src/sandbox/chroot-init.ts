/**
 * The two programs of a `chroot` sandbox. `supervise FOLDER` runs the other and leaves nothing of it behind: not when it ends, and not
 * when descriptor 3 is closed, which is when the build ends, by whatever cause. `become FOLDER` goes into the tree that the folder's
 * config.json names, gives up what the process must not have, and becomes it.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { join } from "node:path/posix";
import { leave, startProcess } from "../host/process.ts";
import { killDescendants } from "../namespace/process-tree.ts";
import { closeOnExecute, resetSignals } from "../syscall/execute.ts";
import { enterRoot } from "../syscall/isolation.ts";
import { adoptOrphans, becomeUser, dieWithParent, limitCapabilities } from "../syscall/privilege.ts";
import { limitResource } from "../syscall/resource-limit.ts";
import { START_ERROR_FILE } from "./run-to-end.ts";
import { executeByName } from "./execute-by-name.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";

const LIFELINE = 3;

/** Who has it leaves a root directory as easily as we enter it. */
const WAY_OUT = "CAP_SYS_CHROOT";

const [role = "", folder = ""] = process.argv.slice(2);
if (role === "supervise") supervise();
else become();

function supervise(): void {
  adoptOrphans();
  const child = startProcess({ argv: [process.execPath, process.argv[1] ?? "", "become", folder], cwd: "/", env: {} }, ["inherit", "inherit", "inherit"]);
  const lifeline = new Socket({ fd: LIFELINE, readable: true, writable: false });
  lifeline.on("error", () => undefined).on("close", () => end(constants.signals.SIGKILL + 128)).resume();
  child.once("exit", (code, signal) => end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
}

function end(exitCode: number): void {
  killDescendants(process.pid);
  leave(exitCode);
}

function become(): void {
  const complaint = openSync(join(folder, START_ERROR_FILE), "w", 0o600);
  try {
    // Written by runtimeSpec.
    start(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as RuntimeSpec);
  } catch (error) {
    const { message } = error as Error;
    writeSync(complaint, message);
    writeSync(2, `${message}\n`);
    process.exitCode = 1;
    closeSync(complaint);
  }
}

function start(spec: RuntimeSpec): void {
  const { user, capabilities, args, env, cwd: directory, rlimits = [] } = spec.process;
  process.umask(0o022);
  closeOnExecute();
  enterRoot(spec.root.path);
  process.chdir(directory);
  for (const { type, soft, hard } of rlimits) limitResource(type, Number(soft), Number(hard));
  limitCapabilities((capabilities.bounding ?? []).filter((name) => name !== WAY_OUT));
  becomeUser({ uid: user.uid, gid: user.gid, groups: user.additionalGids });
  dieWithParent();
  resetSignals();
  executeByName(args, env);
}
