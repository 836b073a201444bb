/** The part of the test frontend that runs processes in containers of its own. */
import { existsSync, readFileSync } from "node:fs";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { LLBBridge, type ExecMessage, type ExecMessageSchema, type NewContainerRequestSchema } from "../../../src/proto/frontend/gateway_pb.ts";
import type { BridgeClient, ExecCall } from "./call-bridge.ts";

/** What is mounted: `from` is a Dockerfile that is built for it. */
export type ContainMount = { readonly dest: string; readonly from?: string; readonly ref?: string; readonly readonly?: boolean; readonly selector?: string; readonly mountType?: 0 | 1 | 2 | 3 | 4; readonly cache?: string; readonly secret?: string };

/** One thing after the other. Processes are told apart by their names. */
export type ContainStep =
  | { readonly start: string; readonly args: string[]; readonly container?: string; readonly env?: string[]; readonly cwd?: string; readonly user?: string; readonly fds?: number[]; readonly tty?: boolean; readonly security?: 0 | 1; readonly secretenv?: string }
  | { readonly write: string; readonly text: string }
  | { readonly close: string }
  | { readonly resize: string; readonly rows: number; readonly cols: number }
  | { readonly signal: string; readonly name: string }
  /** Waits until it has printed that. */
  | { readonly until: string; readonly text: string }
  /** Waits until it is done. */
  | { readonly wait: string }
  | { readonly release: string }
  /** Prints that, for whoever watches, and waits for ever. */
  | { readonly hang: string };

export interface ContainRequest {
  /** The name that it asks by. */
  readonly id?: string;
  readonly mounts: readonly ContainMount[];
  readonly network?: 0 | 1 | 2;
  readonly hostname?: string;
  readonly extraHosts?: ReadonlyArray<{ readonly Host: string; readonly IP: string }>;
  readonly platform?: { readonly OS: string; readonly Architecture: string };
}

export interface Contain extends ContainRequest {
  /** Further containers that it asks for, and does not get. */
  readonly refused?: readonly ContainRequest[];
  readonly steps: readonly ContainStep[];
  /** Of this result, a file is read at the end. */
  readonly read?: { readonly from: string; readonly path: string };
}

export interface Contained {
  readonly capabilities: readonly string[];
  /** The control groups of the frontend itself, and the memory that it may take. */
  readonly groups: string;
  readonly processes: Readonly<Record<string, SeenProcess>>;
  /** What was said to those that were refused. */
  readonly refusals: readonly string[];
  /** The failure that ended it all before its end. */
  readonly failure?: string;
  readonly read?: string;
}

export interface SeenProcess {
  out: string;
  err: string;
  readonly stages: string[];
  exit?: readonly [code: number, error: string];
}

interface Means {
  readonly bridge: BridgeClient;
  readonly reference: (dockerfile: string) => Promise<string>;
}

const NAME = "box";
/** What holds the memory of whoever reads it, by version of control groups. */
export const MEMORY_FILES: readonly string[] = ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"];

export async function contain(asked: Contain, { bridge, reference }: Means): Promise<Contained> {
  const capabilities = (await bridge.call(LLBBridge.method.ping, {})).FrontendAPICaps.map(({ ID }) => ID).filter((id) => id.startsWith("gateway.exec"));
  const groups = ["/proc/self/cgroup", ...MEMORY_FILES].map((path) => (existsSync(path) ? readFileSync(path, "utf8") : "")).join("");
  const watched = new Watched(bridge);
  const refusals: string[] = [];
  const open = async (request: ContainRequest): Promise<unknown> => await bridge.call(LLBBridge.method.newContainer, await newContainer(request, reference));
  try {
    await open(asked);
    for (const request of asked.refused ?? []) refusals.push(await open(request).then(() => "opened", (error: Error) => error.message));
    for (const step of asked.steps) await run(step, watched, bridge);
    watched.call.end();
    await watched.call.over;
  } catch (error) {
    // A call that is open keeps this process.
    watched.call.cancel();
    return { capabilities, groups, refusals, processes: watched.seen, failure: (error as Error).message };
  }
  if (asked.read === undefined) return { capabilities, groups, refusals, processes: watched.seen };
  const read = await bridge.call(LLBBridge.method.readFile, { Ref: await reference(asked.read.from), FilePath: asked.read.path }).then(({ Data }) => Buffer.from(Data).toString(), (error: Error) => error.message);
  return { capabilities, groups, refusals, processes: watched.seen, read };
}

async function newContainer({ id = NAME, mounts, network = 0, hostname = "", extraHosts = [], platform }: ContainRequest, reference: Means["reference"]): Promise<MessageInitShape<typeof NewContainerRequestSchema>> {
  const made = await Promise.all(mounts.map(async ({ dest, from, ref, readonly: isReadOnly = false, selector = "", mountType = 0, cache, secret }) => ({
    dest, selector, mountType, readonly: isReadOnly,
    resultID: ref ?? (from === undefined ? "" : await reference(from)),
    ...(cache === undefined ? {} : { cacheOpt: { ID: cache } }),
    ...(secret === undefined ? {} : { secretOpt: { ID: secret } }),
  })));
  return { ContainerID: id, Mounts: made, Network: network, hostname, extraHosts: [...extraHosts], ...(platform === undefined ? {} : { platform }) };
}

async function run(step: ContainStep, watched: Watched, bridge: BridgeClient): Promise<void> {
  if ("start" in step) {
    const { start, args, container = NAME, env = [], cwd = "", user = "", fds = [0, 1, 2], tty = false, security = 0, secretenv } = step;
    watched.say(start, { case: "Init", value: { ContainerID: container, Meta: { args, env, cwd, user }, Fds: fds, Tty: tty, Security: security, secretenv: secretenv === undefined ? [] : [{ ID: secretenv, name: "FROM_SECRET" }] } });
    return await watched.until(start, ({ stages }) => stages.includes("Started"));
  }
  if ("write" in step) return watched.say(step.write, { case: "File", value: { Fd: 0, Data: Uint8Array.from(Buffer.from(step.text)) } });
  if ("close" in step) return watched.say(step.close, { case: "File", value: { Fd: 0, EOF: true } });
  if ("resize" in step) return watched.say(step.resize, { case: "Resize", value: { Rows: step.rows, Cols: step.cols } });
  if ("signal" in step) return watched.say(step.signal, { case: "Signal", value: { Name: step.name } });
  if ("until" in step) return await watched.until(step.until, ({ out }) => out.includes(step.text));
  if ("wait" in step) return await watched.until(step.wait, ({ stages }) => stages.includes("Done"));
  if ("release" in step) {
    await bridge.call(LLBBridge.method.releaseContainer, { ContainerID: step.release });
    return;
  }
  process.stderr.write(`${step.hang}\n`);
  await new Promise(() => setInterval(() => undefined, 1000));
}

/** All that is said of processes. */
class Watched {
  readonly seen: Record<string, SeenProcess> = {};
  readonly call: ExecCall;
  #tell: () => void = () => undefined;

  constructor(bridge: BridgeClient) {
    this.call = bridge.exec((message) => this.#take(message));
  }

  say(ProcessID: string, Input: NonNullable<MessageInitShape<typeof ExecMessageSchema>["Input"]>): void {
    this.call.send({ ProcessID, Input });
  }

  /** Rejects when the call ends before that. */
  async until(id: string, is: (seen: SeenProcess) => boolean): Promise<void> {
    const ended = this.call.over.then(() => {
      throw new Error(`the call ended before ${id} came so far`);
    });
    while (!is(this.#of(id))) await Promise.race([ended, new Promise<void>((resolve) => (this.#tell = resolve))]);
    ended.catch(() => undefined);
  }

  #of(id: string): SeenProcess {
    return (this.seen[id] ??= { out: "", err: "", stages: [] });
  }

  #take({ ProcessID, Input }: ExecMessage): void {
    const seen = this.#of(ProcessID);
    if (Input.case === "File") {
      const text = Buffer.from(Input.value.Data).toString();
      if (Input.value.Fd === 1) seen.out += text;
      else seen.err += text;
      if (Input.value.EOF) seen.stages.push(`EOF ${Input.value.Fd}`);
    } else seen.stages.push(Input.case ?? "nothing");
    if (Input.case === "Exit") seen.exit = [Input.value.Code, Input.value.Error?.message ?? ""];
    this.#tell();
  }
}
