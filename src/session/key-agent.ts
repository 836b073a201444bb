import { readFile, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Environment } from "../host/environment.ts";
import { findExecutable, searchPath } from "../host/executable.ts";
import { runProcess, startProcess, type RunningProcess } from "../host/process.ts";
import { SessionError, systemReason } from "./session-error.ts";

/** BuildKit's bound on a private key. */
const KEY_BYTES_MAX = 100 * 1024;
const START_MS_MAX = 5000;

/** An agent with the keys of files. It ends when it is disposed of, and when this process does, however that ends. */
export interface KeyAgent extends AsyncDisposable {
  readonly socket: string;
}

/** Throws SessionError for a key that cannot be read, or that only a passphrase opens. */
export async function startKeyAgent(keys: readonly string[], environment: Environment, signal: AbortSignal): Promise<KeyAgent> {
  const [agent, adder] = ["ssh-agent", "ssh-add"].map((name) => findExecutable(name, environment));
  if (agent === undefined || adder === undefined) throw new SessionError("unreadable", "ssh-agent and ssh-add were not found in the system: install them to use private keys, or give the socket of an agent");
  // The path of a socket is short by law (unix(7)), which that of a state root may not be.
  const directory = await mkdtemp(join(tmpdir(), "stemma-agent-"));
  const socket = join(directory, "agent");
  const env = { PATH: searchPath(environment), LC_ALL: "C" };
  // Left alone, it would look only every ten seconds whether the program that it is given still runs; that reads until we are gone.
  const running = startProcess({ argv: [agent, "-a", socket, "sh", "-c", "cat; kill $SSH_AGENT_PID"], env, detached: true }, ["pipe", "ignore", "ignore"]);
  const dispose = async (): Promise<void> => {
    await end(running);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await listening(socket, running, signal);
    for (const path of keys) await addKey(path, { argv: [adder, "-q", "-"], env: { ...env, SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: "never" } }, signal);
    return { socket, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function addKey(path: string, command: { readonly argv: readonly [string, ...string[]]; readonly env: Environment }, signal: AbortSignal): Promise<void> {
  // Through a pipe: who may read the file has been asked by the system already.
  const key = await readKey(path);
  const { exitCode, stderr } = await runProcess({ ...command, input: key, detached: true }, signal);
  if (exitCode !== 0) throw new SessionError("unreadable", `failed to parse ${path}: ${stderr.toString("utf8").trim() || "no private key, or one with a passphrase: add it to an agent, and give that agent's socket"}`);
}

async function readKey(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > KEY_BYTES_MAX) throw new SessionError("unreadable", `failed to read ${path}: more than ${KEY_BYTES_MAX} bytes`);
    return await readFile(path);
  } catch (error) {
    if (error instanceof SessionError) throw error;
    throw new SessionError("unreadable", `failed to open ${path}: ${systemReason(error)}`, { cause: error });
  }
}

async function listening(socket: string, agent: RunningProcess, signal: AbortSignal): Promise<void> {
  let failed: unknown;
  agent.once("error", (error) => (failed = error));
  for (let waitedMs = 0; waitedMs < START_MS_MAX; waitedMs += 10) {
    if ((await stat(socket).catch(() => undefined))?.isSocket() === true) return;
    if (failed !== undefined || agent.exitCode !== null) break;
    await delay(10, undefined, { signal });
  }
  throw new SessionError("unreadable", "ssh-agent did not start", { cause: failed });
}

async function end(agent: RunningProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null || agent.pid === undefined) return;
  const ended = new Promise((resolve) => agent.once("exit", resolve));
  agent.stdin?.end();
  await ended;
}
