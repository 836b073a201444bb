import { readFile } from "node:fs/promises";
import type { GatewayResult } from "../frontend/gateway.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { filePath, type PolicyFile, type PolicyPlan } from "./plan-policies.ts";
import { RequestError } from "./request-error.ts";

/** The largest file that a policy may read: buildx's bound on one of JSON. */
const JSON_BYTES_MAX = 4 * 1024 * 1024;

/** A policy wants a file that has not been read yet. */
class UnreadFile extends Error {
  override readonly name = "UnreadFile";
  readonly path: string;

  constructor(path: string) {
    super(`${path} has not been read yet`);
    this.path = path;
  }
}

/** The files of policies: of the context, wherever it is, and of the current directory. Each is read once. */
export class PolicyFiles {
  readonly #planned: PolicyPlan;
  readonly #openContext: (signal: AbortSignal) => Promise<GatewayResult | undefined>;
  readonly #read = new Map<string, Uint8Array | undefined>();
  #context: Promise<GatewayResult | undefined> | undefined;

  /** `openContext` gives the files of a context that is not here. */
  constructor(planned: PolicyPlan, openContext: (signal: AbortSignal) => Promise<GatewayResult | undefined>) {
    this.#planned = planned;
    this.#openContext = openContext;
  }

  /** A policy's own file. Throws RequestError where it is not there and has to be. */
  async load({ name, path, isOptional }: PolicyFile, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const bytes = path === undefined ? await this.#readRemote(name, signal) : await readLocal(name, path);
    if (bytes === undefined && !isOptional) throw new RequestError("missing-input", `policy file ${name} not found: it is a path in the context, or one of the current directory with cwd://`);
    return bytes;
  }

  /** For an interpreter that cannot wait: work that wants a file which was not read yet is done anew when it was. */
  async with<T>(work: () => T, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof UnreadFile)) throw error;
        const path = filePath(error.path, this.#planned);
        const bytes = path === undefined ? await this.#readRemote(error.path, signal) : await readLocal(error.path, path);
        if (bytes !== undefined && bytes.byteLength > JSON_BYTES_MAX) throw new PolicyError(`${error.path}: larger than ${JSON_BYTES_MAX} bytes`);
        this.#read.set(error.path, bytes);
      }
    }
  }

  /** Within `with`. Undefined where there is no such file. */
  get(path: string): Uint8Array | undefined {
    if (!this.#read.has(path)) throw new UnreadFile(path);
    return this.#read.get(path);
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
