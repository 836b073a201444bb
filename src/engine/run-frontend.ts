import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bridge, BridgeResult } from "../bridge/bridge.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import { serveBridge } from "../bridge/llb-bridge.ts";
import { goBoolean } from "../content/go-boolean.ts";
import type { FrontendImage } from "../frontend/frontend-image.ts";
import { serveConnection } from "../grpc/server.ts";
import { routes } from "../grpc/service.ts";
import { encodeDefinition } from "../llb/definition.ts";
import { groupOf } from "../ops/exec.ts";
import { OutputTail } from "../ops/output-tail.ts";
import { LLBBridge } from "../proto/frontend/gateway_pb.ts";
import type { SandboxMount, SandboxProcess } from "../sandbox/sandbox.ts";
import type { BuildMeans } from "./build-means.ts";
import { ProcessConnection } from "./process-connection.ts";
import { solveGraphs } from "./solve-graphs.ts";

/** What a frontend's image may say of itself: it needs no network. */
const NO_NETWORK_LABEL = "moby.buildkit.frontend.network.none";
/** Where a frontend finds the graph of its own image. */
const METADATA_DIRECTORY = "/run/config/buildkit/metadata";
const HOSTNAME = "buildkitsandbox";

export interface FrontendRun {
  readonly image: FrontendImage;
  readonly bridge: Bridge;
  readonly options: ReadonlyMap<string, string>;
}

/**
 * Runs a frontend in the sandbox until it has returned and ended. It speaks LLBBridge over its standard input and
 * output, and reaches nothing else of ours. Rejects with FrontendFailure, SandboxError, VertexError.
 */
export async function runFrontend(run: FrontendRun, means: BuildMeans, signal: AbortSignal): Promise<BridgeResult> {
  const { image, bridge } = run;
  const { engine, services } = means;
  // The frontend is an input of its own kind: its image is no part of the graph that it makes.
  const { chains } = await solveGraphs([image.definition], { ...means, services: { ...services, pins: new Map() } }, signal);
  engine.state.facts.saveFrontends((chains[0] ?? []).map(({ id }) => id));
  await using scratch = scratchDirectory(means);
  await using root = await engine.layers.mount(chains[0] ?? [], "writable", signal);
  const metadata = join(scratch.path, "metadata");
  await mkdir(metadata);
  await writeFile(join(metadata, "frontend.bin"), encodeDefinition(image.definition), { mode: 0o400 });

  // What the frontend left open goes with it, however it ends.
  await using served = serveBridge(bridge, services.platform);
  const connection = new ProcessConnection();
  const serving = serveConnection(connection, routes(LLBBridge, served.methods));
  const said = new OutputTail();
  const exitCode = await services.steps.work(`running frontend ${image.source}`, async (step) => {
    const process = frontendProcess(run, means, {
      group: groupOf("", undefined, await services.exec.grants.defaultCgroupParent()),
      mounts: [{ kind: "bind", source: metadata, destination: METADATA_DIRECTORY, readOnly: true }],
      input: connection.input,
      onOutput(stream, chunk) {
        if (stream === "stdout") return connection.received(chunk);
        said.add(chunk);
        services.steps.output(step, "stderr", chunk);
      },
    });
    try {
      return await (await engine.sandbox()).run(process, root, signal);
    } finally {
      connection.ended();
      serving.close();
    }
  });
  // What the frontend said comes before how it ended.
  const returned = served.returned();
  if (exitCode !== 0) throw new FrontendFailure(`frontend ${image.source} ended with exit code ${exitCode}${said.text() === "" ? "" : `: ${said.text().trim()}`}`, undefined);
  if (returned === undefined) throw new FrontendFailure(`frontend ${image.source} ended without a result: is it one that speaks BuildKit's gateway protocol?`, undefined);
  return returned;
}

interface FrontendStreams {
  readonly group: SandboxProcess["group"];
  readonly mounts: readonly SandboxMount[];
  readonly input: SandboxProcess["input"];
  readonly onOutput: SandboxProcess["onOutput"];
}

function frontendProcess({ image: { config }, bridge, options }: FrontendRun, { session }: BuildMeans, streams: FrontendStreams): SandboxProcess {
  const [command = "/run", ...args] = config.entrypoint;
  return {
    argv: [command, ...args],
    env: [
      ...config.env,
      ...[...options].map(([key, value], i) => `BUILDKIT_FRONTEND_OPT_${i}=${key}=${value}`),
      `BUILDKIT_SESSION_ID=${session.id}`,
      `BUILDKIT_WORKERS=${JSON.stringify([{ id: bridge.worker.id, labels: Object.fromEntries(bridge.worker.labels), platforms: bridge.worker.platforms }])}`,
      "BUILDKIT_EXPORTEDPRODUCT=buildkit",
    ],
    cwd: config.workingDir === "" ? "/" : config.workingDir,
    user: "",
    network: goBoolean(config.labels.get(NO_NETWORK_LABEL)) === true ? "none" : "host",
    hostname: HOSTNAME,
    extraHosts: [],
    limits: [],
    devices: [],
    insecure: false,
    readOnlyRoot: false,
    onUsage: undefined,
    ...streams,
  };
}

function scratchDirectory({ engine: { state } }: BuildMeans): { readonly path: string } & AsyncDisposable {
  const path = state.workspace.claim();
  return { path, [Symbol.asyncDispose]: () => state.workspace.discard(path) };
}

