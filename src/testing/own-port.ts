import { once } from "node:events";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningProcess } from "../host/process.ts";

/**
 * Below what the system gives to clients and to servers that ask for any port (`ip_local_port_range`, from 32768): a port from there that
 * is free now may belong to somebody's connection a moment later, even to the one that asks whether the server answers.
 */
const [PORT_FIRST, PORT_COUNT] = [10_000, 22_000];
const PORTS_MAX = 5;
const LOOK_MS = 10;
const WAIT_MS_MAX = 60_000;

/** A process that listens on a port of 127.0.0.1 which nobody else has. */
export interface PortServer {
  readonly child: RunningProcess;
  readonly port: number;
}

/** Starts a server that has to be told its port, on another one where that is taken meanwhile, and waits until it is the one that listens there. Throws with `told()`, what the process said, where none does. */
export async function startOnOwnPort(start: (port: number) => RunningProcess | Promise<RunningProcess>, told: () => string = () => ""): Promise<PortServer> {
  for (let ports = 1; ; ports++) {
    const port = await freePort();
    const child = await start(port);
    if (await comesToListen(child, port)) return { child, port };
    if (ports === PORTS_MAX) throw new Error(`${child.spawnargs[0]} did not come to listen on any of ${PORTS_MAX} ports: ${told()}`);
  }
}

/** Whether it listens there; false once it has ended instead. */
export async function comesToListen(child: RunningProcess, port: number): Promise<boolean> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    if (await listensOn(child.pid, port)) return true;
    if (performance.now() > endMs) {
      child.kill("SIGKILL");
      throw new Error(`${child.spawnargs[0]} does not listen on port ${port} after ${WAIT_MS_MAX / 1000} s`);
    }
    await delay(LOOK_MS);
  }
  return false;
}

/** Whether it is this process that takes connections there: any answer could be another's. */
async function listensOn(pid: number, port: number): Promise<boolean> {
  try {
    const sockets = listening(await readFile(`/proc/${pid}/net/tcp`, "utf8"), port);
    if (sockets.length === 0) return false;
    const directory = `/proc/${pid}/fd`;
    const files = await Promise.all((await readdir(directory)).map(async (fd) => await readlink(`${directory}/${fd}`).catch(() => ""))); // One closed meanwhile is none.
    return sockets.some((inode) => files.includes(`socket:[${inode}]`));
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(codeOf(error))) return false; // It has ended.
    throw error;
  }
}

/** Inodes of the sockets that listen on a port, of proc_net_tcp(5): `0: 0100007F:2710 00000000:0000 0A … inode …`. */
function listening(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
  return rows.flatMap(([, local, , state, , , , , , inode]) => (local?.endsWith(suffix) && state === "0A" && inode !== undefined ? [inode] : []));
}

/** Those of two processes lie apart, and one process gets no port twice. */
let next = process.pid * 37;

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_FIRST + (next++ % PORT_COUNT);
    const probe = createServer().listen(port, "127.0.0.1");
    const isFree = await once(probe, "listening").then(() => true, (error: unknown) => {
      if (codeOf(error) === "EADDRINUSE") return false;
      throw error;
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";
