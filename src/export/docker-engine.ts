import { existsSync } from "node:fs";
import type { IncomingMessage, RequestOptions } from "node:http";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { collectBytes } from "../content/bytes.ts";
import type { ByteStream } from "../content/blob-store.ts";
import type { Environment } from "../host/environment.ts";
import { nodeHttp } from "../host/network-modules.ts";
import { contextAddress } from "./docker-context.ts";
import { ExportError } from "./error.ts";

const DEFAULT_ADDRESS = "unix:///var/run/docker.sock";
const INSTEAD = 'or write a file with -o type=docker,dest=image.tar and load that with "docker load"';
/** A refusal is a sentence. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** What an engine with a store of its own says of an image that is too deep for it (layer.ErrMaxDepthExceeded). */
const TOO_MANY_LAYERS = "max depth exceeded";
const LINE_CHARACTERS_MAX = 1024 * 1024;

/** How long an engine may take to say what it is. One that is busy answers in seconds. */
const PATIENCE_MS = 30_000;
/** What Docker's engine calls the store of images that keeps them as they came, where it tells of its driver. */
const CONTAINERD_STORE = "io.containerd.snapshotter.v1";

/** Where Docker's own command would find the engine, of a context by name if need be. Throws ExportError for a way there that we do not know, and where nobody can be. */
export function engineAddress(context: string | undefined, env: Environment): string {
  const address = contextAddress(context, env) ?? DEFAULT_ADDRESS;
  const way = wayTo(address);
  if ((env["DOCKER_TLS_VERIFY"] ?? "") !== "" && way.socketPath === undefined) throw new ExportError("usage", `DOCKER_TLS_VERIFY: an engine behind TLS is not supported: unset it, ${INSTEAD}`);
  if (way.socketPath !== undefined && !existsSync(way.socketPath)) throw noEngine(address, undefined);
  return address;
}

/**
 * Which form of an archive an engine takes best (Docker Engine API, "Get system information"): one with the containerd image store keeps what it is given, with several
 * platforms and with statements. Throws ExportError ("destination") where nobody answers.
 */
export async function engineTakes(address: string, signal: AbortSignal, patienceMs: number = PATIENCE_MS): Promise<"docker" | "oci"> {
  const patience = AbortSignal.timeout(patienceMs);
  const outgoing = nodeHttp().request({ ...wayTo(address), method: "GET", path: "/info", headers: { host: "docker" }, signal: AbortSignal.any([signal, patience]) });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once("response", resolve).once("error", reject).end();
  try {
    const answer = await promise;
    const text = (await collectBytes(answer, ANSWER_BYTES_MAX)).toString("utf8");
    // An engine that will not tell may load all the same.
    return answer.statusCode === 200 && hasContainerdStore(text) ? "oci" : "docker";
  } catch (error) {
    signal.throwIfAborted();
    throw noEngine(address, patience.aborted ? new Error(`it says nothing for ${patienceMs / 1000} s`) : error);
  }
}

function hasContainerdStore(text: string): boolean {
  const status = memberOf(text, "DriverStatus");
  return Array.isArray(status) && status.some((row: unknown) => Array.isArray(row) && row[0] === "driver-type" && row[1] === CONTAINERD_STORE);
}

export interface EngineLoad {
  readonly signal: AbortSignal;
  /** Called when the engine begins to answer. `read` ends with the answer, and tells of each layer that the engine speaks of. */
  readonly importing: (read: (loaded: (layer: string, sizeBytes: number) => void) => Promise<void>) => Promise<void>;
}

/** Gives an archive to an engine (Docker Engine API, "Import images"). Throws ExportError ("destination") where it does not take it. */
export async function loadIntoEngine(address: string, tar: ByteStream, { signal, importing }: EngineLoad): Promise<void> {
  const { answer, source } = await exchange(address, tar, signal);
  // What made the archive fail is the caller's to understand; the engine only saw it end.
  if (source !== undefined) throw source.error;
  if (answer.statusCode !== 200) throw refusal(address, messageIn((await collectBytes(answer, ANSWER_BYTES_MAX)).toString("utf8")) ?? `status ${answer.statusCode}`);
  await importing(async (loaded) => {
    const said = await readProgress(answer, loaded);
    if (said !== undefined) throw refusal(address, said);
  });
}

function refusal(address: string, said: string): ExportError {
  const hint = said.includes(TOO_MANY_LAYERS) ? `: it has more layers than the engine's store takes (125): join RUNs with &&, copy what is needed into a last stage, or let the engine keep images in containerd's store` : "";
  return new ExportError("destination", `the Docker engine at ${address} does not take the image: ${said}${hint}`);
}

interface Exchanged {
  readonly answer: IncomingMessage;
  readonly source: { readonly error: unknown } | undefined;
}

async function exchange(address: string, tar: ByteStream, signal: AbortSignal): Promise<Exchanged> {
  let source: Exchanged["source"];
  const watched = async function* (): ByteStream {
    try {
      // A stream keeps several at a time, of what is lent.
      for await (const chunk of tar) yield Buffer.from(chunk);
    } catch (error) {
      source = { error };
      throw error;
    }
  };
  const outgoing = nodeHttp().request({ ...wayTo(address), method: "POST", path: "/images/load", headers: { "content-type": "application/x-tar", host: "docker" }, signal });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once("response", resolve).once("error", reject);
  // An engine may answer before it has all, and then close: its answer counts, not the break.
  pipeline(Readable.from(watched()), outgoing as Writable).catch(reject);
  try {
    return { answer: await promise, source };
  } catch (error) {
    signal.throwIfAborted();
    if (source !== undefined) throw source.error;
    throw noEngine(address, error);
  }
}

function wayTo(address: string): Pick<RequestOptions, "socketPath" | "host" | "port"> {
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  if (scheme === "unix") return { socketPath: rest };
  const url = scheme === "tcp" || scheme === "http" ? URL.parse(`http://${rest}`) : null;
  if (url === null) throw new ExportError("usage", `DOCKER_HOST=${address}: only unix:// and tcp:// are supported: set one of these, ${INSTEAD}`);
  return { host: url.hostname, port: url.port || "2375" };
}

function noEngine(address: string, cause: unknown): ExportError {
  const why = cause instanceof Error ? ` (${cause.message})` : "";
  return new ExportError("destination", `no Docker engine answers at ${address}${why}: start it, name another with DOCKER_HOST, ${INSTEAD}`, { cause });
}

/** The answer is JSON, one object behind the other, for each piece of each layer; a failure is one of them, as the status has been sent by then. Returns what it says. */
async function readProgress(answer: AsyncIterable<Uint8Array>, loaded: (layer: string, sizeBytes: number) => void): Promise<string | undefined> {
  const layers = new Map<string, number>();
  let said: string | undefined;
  for await (const line of linesOf(answer)) {
    const error = memberOf(line, "error");
    if (said === undefined && typeof error === "string") said = error;
    const [layer, progress] = [memberOf(line, "id"), memberOf(line, "progressDetail")];
    const sizeBytes = typeof progress === "object" && progress !== null && "total" in progress ? progress.total : undefined;
    if (typeof layer === "string" && typeof sizeBytes === "number") layers.set(layer, sizeBytes);
  }
  if (said === undefined) for (const [layer, sizeBytes] of layers) loaded(layer, sizeBytes);
  return said;
}

/** A line that is longer than any of an engine's is cut where it is too long. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of bytes) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
    yield* lines;
  }
  yield rest;
}

function messageIn(text: string): string | undefined {
  const message = memberOf(text, "message");
  return typeof message === "string" ? message : undefined;
}

function memberOf(text: string, name: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  } catch {
    // Progress that is no JSON tells of no failure.
    return undefined;
  }
}
