import { once } from "node:events";
import { findExecutable, nodeExecutable } from "../host/executable.ts";
import { ownProgram } from "../host/own-program.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { TOOL_ENVIRONMENT } from "./run-to-end.ts";
import { SandboxError } from "./sandbox-error.ts";
import { RELAY_PORT, type NetworkMode } from "./sandbox.ts";

/** A network namespace that is there before the process that gets it. Disposing ends it, once nothing is in it any more. */
export interface OwnNetwork extends AsyncDisposable {
  /** As processes in the mount namespace name it (network_namespaces(7)). */
  readonly path: string;
}

/** Undefined for a network that a runtime makes, or that is there anyway. */
export async function openOwnNetwork(network: NetworkMode, namespace: MountNamespace, signal: AbortSignal): Promise<OwnNetwork | undefined> {
  if (typeof network === "string") return undefined;
  const unshare = findExecutable("unshare", TOOL_ENVIRONMENT) ?? "unshare";
  const end = new AbortController();
  const relay = await namespace.spawn({
    argv: [unshare, "--net", "--", nodeExecutable(), ownProgram(import.meta.url, "sandbox/network-relay"), network.relay, String(RELAY_PORT)],
    cwd: "/", env: TOOL_ENVIRONMENT, stdin: "none",
  }, AbortSignal.any([signal, end.signal]));
  let complaint = "";
  relay.stderr.on("data", (chunk: Buffer) => void (complaint += chunk.toString("utf8")));
  const close = async (): Promise<void> => {
    end.abort();
    // However it went: it was ended.
    await relay.exited.catch(() => undefined);
  };
  const isReady = await Promise.race([once(relay.stdout, "data").then(() => true), relay.exited.then(() => false)]);
  if (!isReady) {
    signal.throwIfAborted();
    throw new SandboxError("unavailable", `a network of its own cannot be made here, which --proxy-network needs: ${complaint.trim()}`);
  }
  relay.stdout.resume();
  return { path: `/proc/${relay.pid}/ns/net`, [Symbol.asyncDispose]: close };
}
