import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { startProcess } from "../host/process.ts";
import type { MountNamespace, MountRequest, SpawnRequest, SpawnedProcess } from "./mount-namespace.ts";
import { NamespaceError } from "./namespace-error.ts";

/**
 * This machine as it is, for who may not have a namespace: processes are started, and nothing is mounted. A directory stands in for
 * a tmpfs: what is put into it is on a disk, and whoever asked for it takes it away.
 */
export const NO_NAMESPACE: MountNamespace = {
  manyIds: true,
  mount(request: MountRequest): Promise<void> {
    if (request.type !== "tmpfs") return Promise.reject(new NamespaceError("mount-failed", `nothing can be mounted at ${request.target} without a mount namespace`));
    mkdirSync(request.target, { recursive: true });
    chmodSync(request.target, Number.parseInt(/(?:^|,)mode=([0-7]+)/.exec(request.data)?.[1] ?? "1777", 8));
    return Promise.resolve();
  },
  unmount: () => Promise.resolve(),
  idMaps: () => ({ uid: readFileSync("/proc/self/uid_map", "utf8"), gid: readFileSync("/proc/self/gid_map", "utf8") }),
  viewPath: (path) => path,
  spawn: (request, signal) => spawnHere(request, signal),
  signal(pid) {
    throw new NamespaceError("spawn-failed", `process ${pid} is not known here: without a namespace, processes belong to those who started them`);
  },
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** A helper such as `cp`, which starts nothing itself. */
async function spawnHere(request: SpawnRequest, signal: AbortSignal): Promise<SpawnedProcess> {
  signal.throwIfAborted();
  if (typeof request.stdin === "object") throw new NamespaceError("spawn-failed", `${request.argv[0]} asks for a terminal, which is given to processes in a namespace only`);
  const child = startProcess(request, [request.stdin === "pipe" ? "pipe" : "ignore", "pipe", "pipe"]);
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(new NamespaceError("spawn-failed", error.message)));
    child.once("exit", (code, name) => resolve(code ?? 128 + (name === null ? 0 : constants.signals[name])));
  });
  const kill = (name: NodeJS.Signals): void => void child.kill(name);
  const abort = (): void => kill("SIGKILL");
  signal.addEventListener("abort", abort);
  const done = (): void => signal.removeEventListener("abort", abort);
  exited.then(done, done);
  const { pid, stdin, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw await exited.then(() => new NamespaceError("spawn-failed", request.argv[0]), (error: unknown) => error);
  return { pid, stdin: stdin ?? undefined, stdout, stderr, exited, kill };
}
