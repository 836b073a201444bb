import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess, type RunningProcess } from "../../src/host/process.ts";
import { startOnOwnPort } from "../../src/testing/own-port.ts";

/** A place for caches on this machine. */
export interface CacheServer extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
}

const BIN = join(import.meta.dirname, "../../node_modules/.bin");

/** For node:test: the reason to skip what needs such a program, or false. `npm ci` brings both. */
export function serverSkip(program: "s3rver" | "azurite-blob"): string | false {
  return existsSync(join(BIN, program)) ? false : `${program} is not installed: npm ci`;
}

/** Another vendor's server that speaks S3, with an empty bucket `cache`; user and password are `S3RVER`. */
export async function startS3(): Promise<CacheServer> {
  return await startServer("s3rver", (directory, port) => ["--directory", directory, "--address", "127.0.0.1", "--port", String(port), "--configure-bucket", "cache"]);
}

/** Microsoft's emulator of its blob storage, with its well-known account. */
export async function startAzure(): Promise<CacheServer> {
  return await startServer("azurite-blob", (directory, port) => ["--location", directory, "--blobHost", "127.0.0.1", "--blobPort", String(port), "--skipApiVersionCheck", "--disableTelemetry"]);
}

/** The account that every emulator has; no secret. */
export const AZURE_ACCOUNT = { name: "devstoreaccount1", key: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==" } as const;

async function startServer(program: string, args: (directory: string, port: number) => readonly string[]): Promise<CacheServer> {
  const directory = await mkdtemp(join(tmpdir(), `stemma-${program}-`));
  let log = "";
  const start = (port: number): RunningProcess => {
    const child = startProcess({ argv: [process.execPath, join(BIN, program), ...args(directory, port)], env: { PATH: process.env["PATH"] ?? "", HOME: directory } }, ["ignore", "pipe", "pipe"]);
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    return child;
  };
  const { child, port } = await startOnOwnPort(start, () => log).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const exited = once(child, "exit");
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}

export interface GhaServer extends CacheServer {
  /** For one job. */
  readonly token: string;
  readonly keys: () => readonly string[];
}

/**
 * GitHub's cache service as its clients know it (actions/toolkit, packages/cache), in both versions: there is none to be had outside of
 * GitHub. It takes a key once, finds the newest of those that begin alike, and lets nobody in without the token.
 */
export async function startGha(): Promise<GhaServer> {
  const claims = { ac: JSON.stringify([{ Scope: "refs/heads/main", Permission: 3 }]), exp: 4_000_000_000, nbf: 0 };
  const token = ["{}", JSON.stringify(claims), ""].map((part) => Buffer.from(part).toString("base64url")).join(".");
  const entries = new GhaEntries(token);
  const server = createServer((request, response) => {
    entries.answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    token, host: `127.0.0.1:${portOf(server)}`,
    keys: () => entries.keys(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

interface GhaEntry {
  readonly key: string;
  readonly version: string;
  bytes: Buffer;
  isComplete: boolean;
}

class GhaEntries {
  readonly #token: string;
  readonly #entries: GhaEntry[] = [];

  constructor(token: string) {
    this.#token = token;
  }

  keys(): readonly string[] {
    return this.#entries.filter(({ isComplete }) => isComplete).map(({ key }) => key);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const body = Buffer.concat(await request.toArray() as Buffer[]);
    const host = `http://${request.headers.host}`;
    const [, blob] = /^\/blobs\/(\d+)$/.exec(url.pathname) ?? [];
    if (blob !== undefined) return this.#blob(Number(blob), request, response, body);
    if (request.headers.authorization !== `Bearer ${this.#token}`) return void response.writeHead(401).end();
    const twirp = /^\/twirp\/github\.actions\.results\.api\.v1\.CacheService\/(\w+)$/.exec(url.pathname)?.[1];
    const message = (body.byteLength === 0 || request.method === "PATCH" ? {} : JSON.parse(body.toString())) as Readonly<Record<string, string>>;
    if (twirp !== undefined) return this.#second(twirp, message, response, host);
    this.#first(request, { url, message, body, host }, response);
  }

  #find(key: string | null | undefined, version: string | null | undefined): number {
    return this.#entries.findLastIndex((entry) => entry.isComplete && entry.version === version && entry.key.startsWith(key ?? "-"));
  }

  #reserve(key = "", version = ""): number | undefined {
    return this.#entries.some((entry) => entry.key === key) ? undefined : this.#entries.push({ key, version, bytes: Buffer.alloc(0), isComplete: false }) - 1;
  }

  #second(method: string, { key, version }: Readonly<Record<string, string>>, response: ServerResponse, host: string): void {
    const reply = (answer: object, status = 200): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    if (method === "CreateCacheEntry") {
      const at = this.#reserve(key, version);
      return at === undefined ? reply({ code: "already_exists", msg: "taken" }, 409) : reply({ ok: true, signed_upload_url: `${host}/blobs/${at}?sig=signed` });
    }
    if (method === "FinalizeCacheEntryUpload") {
      const entry = this.#entries.find((each) => each.key === key);
      if (entry !== undefined) entry.isComplete = true;
      return reply({ ok: entry !== undefined, entry_id: "1" });
    }
    const at = this.#find(key, version);
    reply(at === -1 ? { ok: false } : { ok: true, matched_key: this.#entries[at]?.key, signed_download_url: `${host}/blobs/${at}?sig=signed` });
  }

  #first({ method }: IncomingMessage, { url, message, body, host }: { readonly url: URL; readonly message: Readonly<Record<string, string>>; readonly body: Buffer; readonly host: string }, response: ServerResponse): void {
    const id = /^\/_apis\/artifactcache\/caches\/(\d+)$/.exec(url.pathname)?.[1];
    if (url.pathname === "/_apis/artifactcache/cache") {
      const at = this.#find(url.searchParams.get("keys"), url.searchParams.get("version"));
      return void (at === -1 ? response.writeHead(204).end() : response.end(JSON.stringify({ cacheKey: this.#entries[at]?.key, archiveLocation: `${host}/blobs/${at}?sig=signed` })));
    }
    if (id === undefined) {
      const at = this.#reserve(message["key"], message["version"]);
      return void (at === undefined ? response.writeHead(409).end("{}") : response.writeHead(201).end(JSON.stringify({ cacheId: at + 1 })));
    }
    const entry = this.#entries[Number(id) - 1];
    if (entry === undefined) return void response.writeHead(404).end();
    if (method === "PATCH") entry.bytes = Buffer.concat([entry.bytes, body]);
    else entry.isComplete = true;
    response.writeHead(204).end();
  }

  /** Signed addresses: a token has no business there. */
  #blob(at: number, request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const entry = this.#entries[at];
    if (entry === undefined || request.headers.authorization !== undefined) return void response.writeHead(403).end();
    if (request.method !== "PUT") return void response.end(entry.bytes);
    if (request.headers["x-ms-blob-type"] !== "BlockBlob") return void response.writeHead(400).end();
    entry.bytes = body;
    response.writeHead(201).end();
  }
}
