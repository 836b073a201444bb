import { posix } from "node:path";
import { ExecOpSchema, message, MountSchema, MountType, SecurityMode, type ExecOp, type HostIP, type Mount, type NetMode, type SecretEnv } from "../llb/op.ts";
import type { Platform } from "../oci/platform.ts";
import type { StepRequests } from "../proxy/captured-requests.ts";
import { SandboxError } from "../sandbox/sandbox-error.ts";
import type { ContainerProcess, Isolation, Sandbox, SandboxContainer, StartedProcess, Surroundings } from "../sandbox/sandbox.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { ExecMounts } from "./exec-mounts.ts";
import { registeredEmulators, requireRunnable } from "./exec-platform.ts";
import { groupOf, HOSTNAME_DEFAULT, isolationOf, NOT_EXECUTED, requireStep, scratchDirectory, secretEnvironment, type ExecServices } from "./exec.ts";
import { OperationError, ProcessExitError } from "./operation-error.ts";
import { openStepNetwork, type OpenStepProxy, type StepNetwork } from "./step-network.ts";

/** As BuildKit says them. */
const MOUNT_TYPES: ReadonlyMap<MountType, string> = new Map<MountType, string>(Object.entries(MountType).map(([name, number]) => [number, name]));

/** A container that is no step: what is written in it is lost with it, but for caches. */
export interface StepContainerRequest {
  /** `input` and `output` mean nothing: what is mounted is beside it. */
  readonly mounts: ReadonlyArray<{ readonly mount: Mount; readonly chain: LayerChain }>;
  readonly network: NetMode;
  readonly hostname: string;
  readonly extraHosts: readonly HostIP[];
  readonly platform: Platform;
}

export interface StepProcess extends Omit<ContainerProcess, "argv"> {
  readonly args: readonly string[];
  readonly security: SecurityMode;
  readonly secretEnv: readonly SecretEnv[];
}

/** Who is told of a container. */
export interface ContainerAside {
  /** Undefined: the processes reach the network themselves. */
  readonly openProxy: OpenStepProxy | undefined;
  /** Each process that is to be started, as the RUN that it would be. */
  readonly onProcess: (op: ExecOp, isolation: Isolation) => void;
  /** Once all have ended, where there was a proxy. */
  readonly onRequests: (requests: StepRequests) => void;
}

/** Puts the mounts in place. Throws OperationError for what a RUN could not have either. */
export async function openStepContainer(request: StepContainerRequest, { services, aside }: { readonly services: ExecServices; readonly aside: ContainerAside }, signal: AbortSignal): Promise<StepContainer> {
  await requireRunnable(request.platform, { ...services, emulators: registeredEmulators });
  // Parents come before what is mounted in them.
  const placed = request.mounts.map(({ mount, chain }, i) => ({ chain, mount: placedMount(mount, i) })).toSorted((a, b) => (a.mount.dest < b.mount.dest ? -1 : a.mount.dest > b.mount.dest ? 1 : 0));
  const root = placed.find(({ mount }) => mount.dest === "/")?.mount;
  if (root === undefined) throw new OperationError("unsupported", "the container has no root file system: mount something at /");
  if (root.mountType !== MountType.BIND) throw new OperationError("unsupported", `invalid mount type ${MOUNT_TYPES.get(root.mountType) ?? "UNKNOWN"} for /`);
  await using opening = new AsyncDisposableStack();
  const scratch = opening.use(scratchDirectory(services.workspace));
  const mounts = opening.use(new ExecMounts({ ...services, scratchDirectory: scratch.path }));
  const inputs = request.mounts.map(({ chain }) => chain);
  // Mount points have to be made in the root, also where the processes may only read it.
  await mounts.add(placed.map(({ mount }) => (mount === root ? message(MountSchema, { ...mount, readonly: false }) : mount)), inputs, signal);
  const sandbox = await services.sandbox();
  const op = message(ExecOpSchema, { mounts: placed.map(({ mount }) => mount), network: request.network });
  return new StepContainer({ request, op, readOnlyRoot: root.readonly, mounts, directory: scratch.path, services, sandbox, aside, held: opening.move() });
}

function placedMount(mount: Mount, input: number): Mount {
  return message(MountSchema, { ...mount, dest: posix.join("/", mount.dest).replace(/(.)\/+$/, "$1"), input: BigInt(input), output: -1n });
}

interface Opened {
  readonly request: StepContainerRequest;
  /** Without a command. */
  readonly op: ExecOp;
  readonly readOnlyRoot: boolean;
  readonly mounts: ExecMounts;
  /** Of the container alone. */
  readonly directory: string;
  readonly services: ExecServices;
  readonly sandbox: Sandbox;
  readonly aside: ContainerAside;
  /** All that goes with the container. */
  readonly held: AsyncDisposableStack;
}

/** A container with its mounts in place, which runs from its first process on. */
export class StepContainer implements AsyncDisposable {
  readonly #opened: Opened;
  readonly #end = new AbortController();
  #network: Promise<StepNetwork> | undefined;
  #container: SandboxContainer | undefined;

  constructor(opened: Opened) {
    this.#opened = opened;
    // Once the container is gone, which is to come upon it, and before the mounts are.
    opened.held.defer(() => this.#closeNetwork());
  }

  /** The first process decides of the container's security. Rejects with ProcessExitError for a command that cannot be executed; with OperationError, SandboxError. */
  async start(step: StepProcess): Promise<StartedProcess> {
    const { op: { mounts, network }, services, sandbox, aside, held } = this.#opened;
    const [command, ...args] = step.args;
    if (command === undefined) throw new OperationError("unsupported", "the frontend starts a process without a program");
    const cwd = step.cwd === "" ? "/" : step.cwd;
    const meta = { args: [...step.args], env: [...step.env], cwd, user: step.user };
    const op = message(ExecOpSchema, { meta, mounts, network, security: step.security, secretenv: [...step.secretEnv] });
    await requireStep(op, undefined, { ...services, isProxied: aside.openProxy !== undefined });
    const group = groupOf("", undefined, await services.grants.defaultCgroupParent());
    const env = [...step.env, ...(step.streams === "terminal" && !step.env.some((line) => line.startsWith("TERM=")) ? ["TERM=xterm"] : []), ...(await secretEnvironment(op, services, new AbortController().signal))];
    const reached = await (this.#network ??= this.#openNetwork(env));
    if (held.disposed) throw new OperationError("unsupported", "the container was released");
    aside.onProcess(op, isolationOf(op, sandbox));
    const container = (this.#container ??= this.#open({ network: reached.mode, insecure: step.security === SecurityMode.INSECURE, group }));
    const told = (error: unknown): never => {
      throw error instanceof SandboxError && error.code === "command" ? new ProcessExitError({ argv: step.args, exitCode: NOT_EXECUTED, outputTail: "", cause: error }) : error;
    };
    const started = await container.start({ argv: [command, ...args], env: reached.environment(env), cwd, user: step.user, streams: step.streams }).catch(told);
    const exited = started.exited.catch(told);
    exited.catch(() => undefined); // Whoever started it waits for it, in time.
    return { ...started, exited };
  }

  #open(decided: Pick<Surroundings, "network" | "insecure" | "group">): SandboxContainer {
    const { request: { hostname, extraHosts }, readOnlyRoot, mounts, sandbox, held } = this.#opened;
    return held.use(sandbox.open({
      ...decided, readOnlyRoot,
      hostname: hostname === "" ? HOSTNAME_DEFAULT : hostname,
      extraHosts: extraHosts.map(({ Host, IP }) => ({ host: Host, ip: IP })),
      mounts: mounts.sandboxMounts, devices: [], limits: [],
    }, mounts.root));
  }

  /** One for all processes. `env`: of the first. */
  async #openNetwork(env: readonly string[]): Promise<StepNetwork> {
    const { op: { network }, mounts: { root }, directory, aside: { openProxy } } = this.#opened;
    return await openStepNetwork({ network, env, root, directory }, openProxy, this.#end.signal);
  }

  async #closeNetwork(): Promise<void> {
    // Who started the process has heard why there was none.
    await using network = await this.#network?.catch(() => undefined);
    const seen = await network?.finish();
    if (seen !== undefined) this.#opened.aside.onRequests(seen.requests);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort(new OperationError("unsupported", "the container was released"));
    await this.#opened.held.disposeAsync();
  }
}
