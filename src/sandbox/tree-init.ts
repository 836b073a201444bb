/**
 * The set-up of a `namespaces` sandbox, run with one argument as process 1 of new namespaces: the bundle's folder. It makes the tree ready as the
 * bundle's config.json says, gives up what the process must not have, and becomes it. With two more, the folder of a process that
 * joins and the number of process 1, it goes to where that one is instead, and becomes the process of that folder.
 */
import { fchownSync, fstatSync, openSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import { join } from "node:path/posix";
import { closeOnExecute, exitAtOnce, resetSignals } from "../syscall/execute.ts";
import { changeRoot, raiseLoopback, setHostName } from "../syscall/isolation.ts";
import { joinMountNamespace } from "../syscall/join-namespace.ts";
import { becomeUser, dieWithParent, limitCapabilities } from "../syscall/privilege.ts";
import { limitResource } from "../syscall/resource-limit.ts";
import { filterSystemCalls } from "../syscall/seccomp.ts";
import { takeTerminal } from "../syscall/terminal.ts";
import { executeByName } from "./execute-by-name.ts";
import { PID_FILE, PROCESS_FILE } from "./joinable-runtime.ts";
import { START_ERROR_FILE } from "./run-to-end.ts";
import type { ProcessSpec, RuntimeSpec } from "./runtime-spec.ts";
import { compileFilter } from "./seccomp-filter.ts";
import { setUpTree } from "./tree-setup.ts";

const [bundle = "", joining, first] = process.argv.slice(2);
const folder = joining ?? bundle;
// Opened before the root changes; closed by the execve that it reports on.
const complaint = openSync(join(folder, START_ERROR_FILE), "w", 0o600);
const pidFile = openSync(join(folder, PID_FILE), "w", 0o600);
// As the /proc around us counts, which is not the one that the process will see.
const ownPid = readlinkSync("/proc/self");
try {
  // Written by runtimeSpec.
  const spec = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8")) as RuntimeSpec;
  process.umask(0o022);
  closeOnExecute();
  if (first === undefined) makeTree(spec);
  else {
    // Written by processSpec.
    Object.assign(spec, { process: JSON.parse(readFileSync(join(folder, PROCESS_FILE), "utf8")) as ProcessSpec });
    joinMountNamespace(Number(first));
  }
  become(spec);
} catch (error) {
  const { message } = error as Error;
  writeSync(complaint, message);
  writeSync(2, `${message}\n`);
  // The filter may be on us by now: libuv, on its way out, would print that it forbids io_uring.
  exitAtOnce(1);
}

function makeTree(spec: RuntimeSpec): void {
  setHostName(spec.hostname);
  if (spec.linux.namespaces.some(({ type, path }) => type === "network" && path === undefined)) raiseLoopback();
  setUpTree(spec);
  changeRoot(spec.root.path);
}

function become({ process: { user, capabilities, args, env, cwd: directory, terminal, rlimits = [] }, linux: { seccomp } }: RuntimeSpec): void {
  process.chdir(directory);
  if (terminal === true) takeTerminal(0);
  // What a process writes to by the name /dev/stdout has to be its own.
  for (const descriptor of [1, 2]) if (terminal === true || fstatSync(descriptor).isFIFO()) fchownSync(descriptor, user.uid, user.gid);
  for (const { type, soft, hard } of rlimits) limitResource(type, Number(soft), Number(hard));
  limitCapabilities(capabilities.bounding ?? []);
  // The last that takes privilege; all that follows is allowed to any program.
  if (seccomp !== undefined) filterSystemCalls(compileFilter(seccomp, process.arch));
  becomeUser({ uid: user.uid, gid: user.gid, groups: user.additionalGids });
  dieWithParent();
  resetSignals();
  writeSync(pidFile, ownPid);
  executeByName(args, env);
}
