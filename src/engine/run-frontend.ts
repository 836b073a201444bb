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
import { ExecOpSchema, message, NetMode, type ExecOp } from "../llb/op.ts";
import { groupOf, requireStep } from "../ops/exec.ts";
import { OutputTail } from "../ops/output-tail.ts";
import { networkOf, openStepNetwork, type NetworkRequest, type StepNetwork } from "../ops/step-network.ts";
import { LLBBridge } from "../proto/frontend/gateway_pb.ts";
import type { Sandbox, SandboxProcess } from "../sandbox/sandbox.ts";
import type { ContainerUse } from "./bridge-container.ts";
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
  const sandbox = await engine.sandbox();
  const op = frontendOp(image, sandbox);
  const env = frontendEnvironment(run, means);
  await using network = await openNetwork(op, { env, root, directory: scratch.path }, means, signal);
  const connection = new ProcessConnection();
  const serving = serveConnection(connection, routes(LLBBridge, served.methods));
  const said = new OutputTail();
  const exitCode = await services.steps.work(`running frontend ${image.source}`, async (step) => {
    const use: ContainerUse = { solved: undefined, processes: [{ op, isolation: sandbox.isolation }], requests: undefined };
    // What has no network sees nothing that it does not ask us for.
    if (network.mode !== "none") services.containers.push(use);
    const process = frontendProcess(image, {
      env: network.environment(env),
      network: network.mode,
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
      return await sandbox.run(process, root, signal);
    } finally {
      connection.ended();
      serving.close();
      const seen = await network.finish();
      use.requests = seen?.requests;
      if (seen !== undefined && seen.lines !== "") services.steps.output(step, "stderr", Buffer.from(seen.lines));
    }
  });
  // What the frontend said comes before how it ended.
  const returned = served.returned();
  if (exitCode !== 0) throw new FrontendFailure(`frontend ${image.source} ended with exit code ${exitCode}${said.text() === "" ? "" : `: ${said.text().trim()}`}`, undefined);
  if (returned === undefined) throw new FrontendFailure(`frontend ${image.source} ended without a result: is it one that speaks BuildKit's gateway protocol?`, undefined);
  return returned;
}

/** Throws OperationError where a proxy is wanted and the sandbox has no networks. */
async function openNetwork(op: ExecOp, place: Omit<NetworkRequest, "network">, { services }: BuildMeans, signal: AbortSignal): Promise<StepNetwork> {
  const isProxied = services.proxies !== undefined && networkOf(op) !== "none";
  if (isProxied) await requireStep(op, undefined, { ...services.exec, isProxied });
  return await openStepNetwork({ ...place, network: op.network }, services.proxies?.for(services.platform, services.gate), signal);
}

type FrontendSurroundings = Pick<SandboxProcess, "env" | "network" | "group" | "mounts" | "input" | "onOutput">;

function frontendProcess({ config }: FrontendImage, surroundings: FrontendSurroundings): SandboxProcess {
  return {
    argv: commandOf(config),
    cwd: config.workingDir === "" ? "/" : config.workingDir,
    user: "",
    hostname: HOSTNAME,
    extraHosts: [],
    limits: [],
    devices: [],
    insecure: false,
    readOnlyRoot: false,
    onUsage: undefined,
    ...surroundings,
  };
}

function commandOf({ entrypoint }: FrontendImage["config"]): [string, ...string[]] {
  const [command = "/run", ...args] = entrypoint;
  return [command, ...args];
}

function frontendEnvironment({ image: { config }, bridge, options }: FrontendRun, { session }: BuildMeans): string[] {
  return [
    ...config.env,
    ...[...options].map(([key, value], i) => `BUILDKIT_FRONTEND_OPT_${i}=${key}=${value}`),
    `BUILDKIT_SESSION_ID=${session.id}`,
    `BUILDKIT_WORKERS=${JSON.stringify([{ id: bridge.worker.id, labels: Object.fromEntries(bridge.worker.labels), platforms: bridge.worker.platforms }])}`,
    "BUILDKIT_EXPORTEDPRODUCT=buildkit",
  ];
}

/** The RUN that it would be. A chroot alone takes no network away. */
function frontendOp({ config }: FrontendImage, { isolation }: Sandbox): ExecOp {
  const hasNone = goBoolean(config.labels.get(NO_NETWORK_LABEL)) === true && isolation.runtime !== "chroot";
  return message(ExecOpSchema, { meta: { args: commandOf(config) }, network: hasNone ? NetMode.NONE : NetMode.UNSET });
}

function scratchDirectory({ engine: { state } }: BuildMeans): { readonly path: string } & AsyncDisposable {
  const path = state.workspace.claim();
  return { path, [Symbol.asyncDispose]: () => state.workspace.discard(path) };
}

