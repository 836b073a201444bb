import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path/posix";
import { setTimeout as sleep } from "node:timers/promises";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { resizeTerminalOf } from "../syscall/terminal.ts";
import { lookUpUserAlive, prepareBundle, type Bundle, type BundlePlace } from "./bundle.ts";
import { PID_FILE, PROCESS_FILE, type JoinableRuntime } from "./joinable-runtime.ts";
import { makeGroup } from "./group-folders.ts";
import { OWNER_LOCK, removeLeftovers } from "./leftovers.ts";
import { processSpec } from "./runtime-spec.ts";
import { SandboxError } from "./sandbox-error.ts";
import type { ContainerProcess, SandboxContainer, StartedProcess, Surroundings } from "./sandbox.ts";
import { startCommand, type StartedCommand } from "./start-process.ts";

/** How often is looked whether a process runs, while it is being started. */
const STARTING_POLL_MS = 5;

export interface ContainerPlace extends BundlePlace {
  readonly runtime: JoinableRuntime;
}

/** A container whose first process is that of a bundle. */
export class BundleContainer implements SandboxContainer {
  readonly #surroundings: Surroundings;
  readonly #root: MountedTree;
  readonly #place: ContainerPlace;
  readonly #end = new AbortController();
  /** All that has to be over before the bundle can go; none of them rejects. */
  readonly #pending = new Set<Promise<unknown>>();
  #bundle: Promise<Bundle> | undefined;
  #first: Promise<{ readonly pid: number; readonly hasEnded: () => boolean }> | undefined;
  #joined = 0;
  #group: AsyncDisposable | undefined;

  constructor(surroundings: Surroundings, root: MountedTree, place: ContainerPlace) {
    this.#surroundings = surroundings;
    this.#root = root;
    this.#place = place;
  }

  start(process: ContainerProcess): Promise<StartedProcess> {
    const starting = this.#bundle === undefined ? this.#startFirst(process) : this.#join(process);
    this.#hold(starting);
    return starting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new SandboxError("start", "the container was released"));
    // What is being started meanwhile becomes a process that has to end.
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    const bundle = await this.#bundle?.catch(() => undefined);
    if (bundle === undefined) return;
    await removeLeftovers(bundle);
    await this.#group?.[Symbol.asyncDispose]();
    await bundle[Symbol.asyncDispose]();
  }

  #hold(work: Promise<unknown>): void {
    const held: Promise<unknown> = work.then(() => undefined, () => undefined).finally(() => this.#pending.delete(held));
    this.#pending.add(held);
  }

  async #startFirst(process: ContainerProcess): Promise<StartedProcess> {
    const { namespace, runtime } = this.#place;
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly pid: number; readonly hasEnded: () => boolean }>();
    promise.catch(() => undefined); // Told to whoever joins; nobody has to.
    this.#first = promise;
    try {
      this.#bundle = prepareBundle({ ...this.#surroundings, ...process, terminal: process.streams === "terminal" }, this.#root, this.#place, this.#end.signal);
      const bundle = await this.#bundle;
      const { group } = this.#surroundings;
      if (group !== undefined) this.#group = makeGroup(bundle.ground.cgroup?.own ?? "", join(bundle.folder, OWNER_LOCK), group.namedBy);
      const command = await startCommand(runtime.startCommand(bundle), process.streams, { namespace, cwd: bundle.folder }, this.#end.signal);
      const started = await this.#running(command, bundle.view);
      let ended = false;
      this.#hold(started.exited.finally(() => void (ended = true)));
      resolve({ pid: started.pid, hasEnded: () => ended });
      // Everything ends with it. unshare(1) cannot tell that its child was killed, but be killed.
      return { ...started, signal: (number) => (number === constants.signals.SIGKILL ? command.kill() : started.signal(number)) };
    } catch (error) {
      reject(new SandboxError("start", `the container's first process was not started: ${(error as Error).message}`, { cause: error }));
      throw error;
    }
  }

  async #join(process: ContainerProcess): Promise<StartedProcess> {
    const { namespace, runtime } = this.#place;
    const first = await this.#first;
    const bundle = await this.#bundle;
    this.#end.signal.throwIfAborted();
    if (first === undefined || bundle === undefined || first.hasEnded()) throw new SandboxError("start", "the container has stopped: its first process has ended");
    const name = `process-${++this.#joined}`;
    const view = join(bundle.view, name);
    const user = process.user === "" ? bundle.user : lookUpUserAlive(this.#root.viewPath, process.user, bundle.ground);
    const { insecure, limits } = this.#surroundings;
    mkdirSync(view, { mode: 0o700 });
    try {
      writeFileSync(join(view, PROCESS_FILE), JSON.stringify(processSpec({ ...process, insecure, limits, terminal: process.streams === "terminal" }, user, bundle.ground)), { mode: 0o600 });
      const command = await startCommand(runtime.joinCommand(bundle, join(bundle.folder, name), first.pid), process.streams, { namespace, cwd: bundle.folder }, this.#end.signal);
      const started = await this.#running(command, view);
      this.#hold(started.exited.finally(() => rmSync(view, { recursive: true, force: true })));
      return started;
    } catch (error) {
      rmSync(view, { recursive: true, force: true });
      throw error;
    }
  }

  /** Resolves when the process runs. `view` is its own folder. */
  async #running(command: StartedCommand, view: string): Promise<StartedProcess & { readonly pid: number }> {
    const { input, stdout, stderr } = command;
    const { namespace, runtime } = this.#place;
    let over = false;
    const ended = command.exited.then((exitCode) => {
      if (!this.#end.signal.aborted) runtime.requireStarted(view, exitCode);
      return exitCode;
    }).finally(() => void (over = true));
    ended.catch(() => undefined); // Whoever started it waits for it, in time.
    this.#hold(ended);
    let pid = readPid(view);
    while (pid === undefined && !over) {
      await sleep(STARTING_POLL_MS);
      pid = readPid(view);
    }
    if (pid === undefined) {
      for (const output of [stdout, stderr]) output.on("error", () => undefined).resume();
      // It tells why by rejecting.
      await ended;
      this.#end.signal.throwIfAborted();
    }
    const process = pid ?? 0;
    return {
      pid: process, input, stdout, stderr, exited: ended,
      resize(size) {
        if (!command.resize(size) || over || process === 0) return;
        // Not every runtime hands the size on that its own terminal gets.
        resizeTerminalOf(namespace.viewPath(`/proc/${process}/fd`), size);
      },
      signal(number) {
        if (!over && process > 0) namespace.signal(process, number);
      },
    };
  }
}

/** Undefined until it is written. */
function readPid(view: string): number | undefined {
  try {
    const text = readFileSync(join(view, PID_FILE), "latin1").trim();
    return text === "" ? undefined : Number(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
