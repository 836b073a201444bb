/**
 * Process 1 of a `namespaces` sandbox, run with one argument: the bundle's folder. Namespaces are new when it starts;
 * it makes the tree ready as the bundle's config.json says, gives up what the process must not have, and becomes it.
 */
import { fchownSync, fstatSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path/posix";
import { closeOnExecute, resetSignals } from "../syscall/execute.ts";
import { changeRoot, raiseLoopback, setHostName } from "../syscall/isolation.ts";
import { becomeUser, dieWithParent, limitCapabilities } from "../syscall/privilege.ts";
import { limitResource } from "../syscall/resource-limit.ts";
import { filterSystemCalls } from "../syscall/seccomp.ts";
import { executeByName } from "./execute-by-name.ts";
import { START_ERROR_FILE } from "./run-to-end.ts";
import type { RuntimeSpec } from "./runtime-spec.ts";
import { compileFilter } from "./seccomp-filter.ts";
import { setUpTree } from "./tree-setup.ts";

const folder = process.argv[2] ?? "";
// Opened before the root changes; closed by the execve that it reports on.
const complaint = openSync(join(folder, START_ERROR_FILE), "w", 0o600);
try {
  // Written by runtimeSpec.
  start(JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as RuntimeSpec);
} catch (error) {
  const { message } = error as Error;
  writeSync(complaint, message);
  writeSync(2, `${message}\n`);
  process.exitCode = 1;
}

function start(spec: RuntimeSpec): void {
  const { user, capabilities, args, env, cwd: directory, rlimits = [] } = spec.process;
  process.umask(0o022);
  closeOnExecute();
  setHostName(spec.hostname);
  if (spec.linux.namespaces.some(({ type }) => type === "network")) raiseLoopback();
  setUpTree(spec);
  changeRoot(spec.root.path);
  process.chdir(directory);
  // What a process writes to by the name /dev/stdout has to be its own.
  for (const descriptor of [1, 2]) if (fstatSync(descriptor).isFIFO()) fchownSync(descriptor, user.uid, user.gid);
  for (const { type, soft, hard } of rlimits) limitResource(type, Number(soft), Number(hard));
  limitCapabilities(capabilities.bounding ?? []);
  // The last that takes privilege; all that follows is allowed to any program.
  if (spec.linux.seccomp !== undefined) filterSystemCalls(compileFilter(spec.linux.seccomp, process.arch));
  becomeUser({ uid: user.uid, gid: user.gid, groups: user.additionalGids });
  dieWithParent();
  resetSignals();
  executeByName(args, env);
}
