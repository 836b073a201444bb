import { readFile } from "node:fs/promises";
import { digestOf } from "../content/digest.ts";
import type { GatewayResult } from "../frontend/gateway.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { PolicyRecord } from "../provenance/extension.ts";
import type { Awaited } from "./awaited.ts";
import { filePath, type PolicyFile, type PolicyPlan } from "./plan-policies.ts";
import { RequestError } from "./request-error.ts";

/** The largest file that a policy may read: buildx's bound on one of JSON. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** The files of policies: of the context, wherever it is, and of the current directory. Each is read once. */
export class PolicyFiles {
  readonly #planned: PolicyPlan;
  readonly #openContext: (signal: AbortSignal) => Promise<GatewayResult | undefined>;
  readonly #awaited: Awaited;
  readonly #read = new Map<string, PolicyRecord>();
  #context: Promise<GatewayResult | undefined> | undefined;

  /** `openContext` gives the files of a context that is not here. */
  constructor(planned: PolicyPlan, openContext: (signal: AbortSignal) => Promise<GatewayResult | undefined>, awaited: Awaited) {
    this.#planned = planned;
    this.#awaited = awaited;
    this.#openContext = openContext;
  }

  /** A policy's own file. Throws RequestError where it is not there and has to be. */
  async load({ name, path, isOptional, text }: PolicyFile, signal: AbortSignal): Promise<Uint8Array | undefined> {
    if (text !== undefined) return Buffer.from(text);
    const bytes = path === undefined ? await this.#readRemote(name, signal) : await readLocal(name, path);
    if (bytes === undefined && !isOptional) throw new RequestError("missing-input", `policy file ${name} not found: it is a path in the context, or one of the current directory with cwd://`);
    return bytes;
  }

  /** A module that a policy imports, within the run of its interpreter. Undefined where there is no such file. */
  module(path: string): Uint8Array | undefined {
    return this.#noted("rego", path);
  }

  /** What a policy reads besides. */
  data(path: string): Uint8Array | undefined {
    return this.#noted("data", path);
  }

  /** What was read of these, in the order of the names. */
  get read(): readonly PolicyRecord[] {
    return [...this.#read].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
  }

  #noted(kind: "rego" | "data", name: string): Uint8Array | undefined {
    const bytes = this.#awaited.get(`file ${name}`, async (signal) => {
      const path = filePath(name, this.#planned);
      const found = path === undefined ? await this.#readRemote(name, signal) : await readLocal(name, path);
      if (found !== undefined && found.byteLength > FILE_BYTES_MAX) throw new PolicyError(`${name}: larger than ${FILE_BYTES_MAX} bytes`);
      return found;
    });
    if (bytes !== undefined) this.#read.set(`${name} ${kind}`, { kind, name, digest: digestOf(bytes) });
    return bytes;
  }

  async #readRemote(name: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.#context ??= this.#openContext(signal);
    return await (await this.#context)?.readFile(name, signal);
  }
}

async function readLocal(name: string, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return undefined;
    throw new RequestError("missing-input", `failed to read policy file ${name}: ${message}`);
  }
}
