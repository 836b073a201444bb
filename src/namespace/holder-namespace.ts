import { constants, openSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { Readable, type Writable } from "node:stream";
import type { RunningProcess } from "../host/process.ts";
import type { HolderMessage, HolderRequest } from "./holder-protocol.ts";
import type { IdMaps, MountNamespace, MountRequest, SpawnRequest, SpawnedProcess } from "./mount-namespace.ts";
import { NamespaceError, type NamespaceErrorCode } from "./namespace-error.ts";

/** How long an ending holder may take before it is killed, in milliseconds. */
const END_MS_MAX = 2000;

type Reply = Extract<HolderMessage, { kind: "done" | "spawned" }>;

interface Pending {
  readonly code: NamespaceErrorCode;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: NamespaceError) => void;
}

/** Our side of a running holder. */
export class HolderNamespace implements MountNamespace {
  readonly manyIds: boolean;
  readonly #child: RunningProcess;
  readonly #pid: number;
  readonly #pending = new Map<number, Pending>();
  readonly #exits = new Map<number, PromiseWithResolvers<number>>();
  #nextId = 1;
  #goneReason: string | undefined;

  /** `pid` is process 1 of the namespace, as seen from here. */
  constructor(child: RunningProcess, pid: number, manyIds: boolean) {
    this.#child = child;
    this.#pid = pid;
    this.manyIds = manyIds;
  }

  async mount(request: MountRequest, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#ask("mount-failed", (id) => ({ kind: "mount", id, request }));
  }

  async unmount(target: string): Promise<void> {
    // Every mount went with the holder.
    if (this.#goneReason !== undefined) return;
    await this.#ask("mount-failed", (id) => ({ kind: "unmount", id, target }));
  }

  async spawn(request: SpawnRequest, signal: AbortSignal): Promise<SpawnedProcess> {
    signal.throwIfAborted();
    let id = 0;
    const exit = Promise.withResolvers<number>();
    // Whoever waits for the exit learns of a lost holder there; nobody has to wait for it.
    exit.promise.catch(() => undefined);
    const reply = await this.#ask("spawn-failed", (newId) => {
      id = newId;
      this.#exits.set(id, exit);
      return { kind: "spawn", id, request };
    });
    if (reply.kind !== "spawned") throw new Error("the holder answered a spawn with something else");
    const stdin = reply.stdin === undefined ? undefined : this.#openWritingEnd(reply.holderPid, reply.stdin);
    const [stdout, stderr] = [reply.stdout, reply.stderr].map((end) => (end === undefined ? Readable.from([]) : this.#openReadingEnd(reply.holderPid, end))) as [Readable, Readable];
    this.#send({ kind: "opened", id });
    const kill = (name: NodeJS.Signals): void => this.#send({ kind: "kill", id, signal: name });
    killOnAbort(signal, exit.promise, kill);
    return { pid: reply.pid, stdin, stdout, stderr, exited: exit.promise, kill };
  }

  signal(pid: number, number: number): void {
    // Every process went with the holder.
    if (this.#goneReason === undefined) this.#send({ kind: "signal", id: this.#nextId++, pid, number });
  }

  idMaps(): IdMaps {
    const [uid, gid] = ["uid_map", "gid_map"].map((name) => readFileSync(`/proc/${this.#pid}/${name}`, "utf8"));
    return { uid: uid ?? "", gid: gid ?? "" };
  }

  viewPath(path: string): string {
    return `/proc/${this.#pid}/root${path}`;
  }

  /** Takes what the holder says after its first words. */
  receive(message: HolderMessage): void {
    if (message.kind === "entered" || message.kind === "ready") return;
    if (message.kind === "exited") {
      this.#exits.get(message.id)?.resolve(message.exitCode);
      this.#exits.delete(message.id);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind !== "failed") return pending?.resolve(message);
    this.#exits.delete(message.id);
    pending?.reject(new NamespaceError(pending.code, message.message, message.errno));
  }

  /** The holder has ended: nothing that is still asked for will come. */
  lost(reason: string): void {
    this.#goneReason = reason;
    for (const pending of [...this.#pending.values(), ...this.#exits.values()]) pending.reject(goneError(reason));
    this.#pending.clear();
    this.#exits.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#goneReason !== undefined) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS_MAX);
    await closed;
    clearTimeout(timer);
  }

  #ask(code: NamespaceErrorCode, build: (id: number) => HolderRequest): Promise<Reply> {
    if (this.#goneReason !== undefined) return Promise.reject(goneError(this.#goneReason));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#pending.set(id, { code, resolve, reject });
    this.#send(build(id));
    return promise;
  }

  #send(request: HolderRequest): void {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  /**
   * Opens the reading end that the holder has, through /proc: a stream of our own on the same pipe, so that what the
   * process prints comes here directly, at the speed at which we read.
   */
  #openReadingEnd(holderPid: number, descriptor: number): Readable {
    return new Socket({ fd: openSync(this.#descriptorPath(holderPid, descriptor), constants.O_RDONLY), readable: true, writable: false });
  }

  #openWritingEnd(holderPid: number, descriptor: number): Writable {
    return new Socket({ fd: openSync(this.#descriptorPath(holderPid, descriptor), constants.O_WRONLY), readable: false, writable: true });
  }

  #descriptorPath(holderPid: number, descriptor: number): string {
    return this.viewPath(`/proc/${holderPid}/fd/${descriptor}`);
  }
}

function killOnAbort(signal: AbortSignal, exited: Promise<number>, kill: (name: NodeJS.Signals) => void): void {
  const abort = (): void => kill("SIGKILL");
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  const done = (): void => signal.removeEventListener("abort", abort);
  exited.then(done, done);
}

function goneError(reason: string): NamespaceError {
  return new NamespaceError("holder-gone", `the process that holds our mounts has ended: ${reason}: was it killed, or is memory short? see \`dmesg\`, and try again`);
}
