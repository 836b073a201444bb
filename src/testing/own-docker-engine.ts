import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runProcess, startProcess } from "../host/process.ts";
import { eventually } from "./eventually.ts";

/** A Docker engine of a test's own, which is gone with it. */
export interface OwnDockerEngine extends AsyncDisposable {
  /** As in DOCKER_HOST. */
  readonly address: string;
}

/** Where an engine keeps its images: in containerd's store as they came, or in its older one. */
export type EngineStore = "containerd" | "classic";

const find = (name: string): string | undefined => ["/usr/sbin", ...(process.env["PATH"] ?? "").split(delimiter)].map((directory) => join(directory, name)).find((path) => existsSync(path));
const PROGRAM = find("dockerd");

/** For node:test: the reason to skip, or false where an engine can be started. */
export const ownEngineSkip: string | false = PROGRAM === undefined ? "dockerd is not installed" : find("docker") === undefined ? "docker is not installed" : process.geteuid?.() !== 0 ? "dockerd needs root" : false;

export async function startOwnEngine(store: EngineStore): Promise<OwnDockerEngine> {
  if (PROGRAM === undefined) throw new Error("dockerd is not installed");
  // The paths of sockets are short.
  const directory = await mkdtemp(join(tmpdir(), "stemma-dockerd-"));
  const address = `unix://${join(directory, "docker.sock")}`;
  await writeFile(join(directory, "config.json"), JSON.stringify({ features: { "containerd-snapshotter": store === "containerd" } }));
  const folders = ["--config-file", "config.json", "--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"].map((word) => (word.startsWith("--") ? word : join(directory, word)));
  const child = startProcess({ argv: [PROGRAM, ...folders, "-H", address, "--iptables=false", "--ip6tables=false", "--bridge=none"], env: { PATH: process.env["PATH"] ?? "" } }, ["ignore", "ignore", "pipe"]);
  let log = "";
  child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
  const exited = once(child, "exit");
  const engine: OwnDockerEngine = {
    address,
    async [Symbol.asyncDispose]() {
      // It takes its containerd and its mounts along.
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await eventually("dockerd answers", async () => {
      if (child.exitCode !== null) throw new Error(`dockerd ended: ${log}`);
      const { exitCode } = await runProcess({ argv: ["docker", "version"], env: { PATH: process.env["PATH"] ?? "", DOCKER_HOST: address } }, AbortSignal.timeout(60_000));
      return exitCode === 0;
    });
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }
  return engine;
}
