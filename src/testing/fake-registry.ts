import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { once } from "node:events";
import { collectBytes } from "../content/bytes.ts";
import { digestOf, type Digest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { ImageIndex, Manifest } from "../oci/manifest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";

export type FakeAuth =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | {
      readonly kind: "bearer";
      /** Name to password. */
      readonly users: Readonly<Record<string, string>>;
      readonly identityTokens: readonly string[];
      /** What an unknown user may do, as in `repository:public/a:pull`. */
      readonly isPublic: (scope: string) => boolean;
    };

export interface FakeRegistryOptions {
  readonly auth?: FakeAuth;
  /** False answers 404, as registries did before version 1.1 of the specification. */
  readonly referrers?: boolean;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** True tells versions of manifests by ETag, and replaces one only where If-Match allows it. */
  readonly conditions?: boolean;
  /** Manifests that it does not take, whatever else is right about them. It is asked before the blobs are looked for. */
  readonly refuse?: (put: ManifestPut) => Refusal | undefined;
  /** False takes manifests without their blobs, as the specification allows. */
  readonly checksBlobs?: boolean;
}

/** A manifest that somebody wants to store. */
export interface ManifestPut {
  /** Tag or digest. */
  readonly name: string;
  readonly manifest: Partial<Manifest & ImageIndex>;
  /** True where the subject is there already. */
  readonly hasSubject: boolean;
  /** What the tag named until now. */
  readonly replaces: Digest | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly sizeBytes: number;
}

/** An answer in place of the registry's own; true once it has been given. */
export type Intercept = (request: IncomingMessage, response: ServerResponse, url: URL) => boolean | Promise<boolean>;

/** A registry in memory, over real HTTP on this machine, that tests may look into and disturb. */
export interface FakeRegistry extends AsyncDisposable {
  readonly host: string;
  readonly requests: readonly SeenRequest[];
  intercept: Intercept;
  /** By `repository@digest`. */
  readonly blobs: Map<string, Buffer>;
  /** By `repository@digest`. */
  readonly manifests: Map<string, StoredManifest>;
  /** By `repository:tag`. */
  readonly tags: Map<string, Digest>;
  addBlob(repository: string, bytes: Uint8Array): Pick<Descriptor, "digest" | "size">;
  addManifest(repository: string, manifest: { readonly mediaType: string; readonly [member: string]: unknown }, tag?: string): Descriptor;
  /** Tokens given so far are worth nothing from now on. */
  revokeTokens(): void;
}

interface StoredManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

interface State {
  readonly options: FakeRegistryOptions;
  readonly host: () => string;
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, StoredManifest>;
  readonly tags: Map<string, Digest>;
  readonly uploads: Map<string, Buffer[]>;
  readonly tokens: Map<string, readonly string[]>;
  uploadsSeen: number;
  tokensGiven: number;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

const BODY_BYTES_MAX = 256 * 1024 * 1024;

export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const requests: SeenRequest[] = [];
  const server = options.tls === undefined ? createServer() : createTlsServer({ ...options.tls, requestCert: options.tls.ca !== undefined, rejectUnauthorized: options.tls.ca !== undefined });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = hostOf(server);
  const state: State = {
    options, host: () => host, blobs: new Map(), manifests: new Map(), tags: new Map(), uploads: new Map(), tokens: new Map(), uploadsSeen: 0, tokensGiven: 0,
  };
  const registry: FakeRegistry = {
    host, requests, blobs: state.blobs, manifests: state.manifests, tags: state.tags,
    intercept: () => false,
    addBlob(repository, bytes) {
      const digest = digestOf(bytes);
      state.blobs.set(`${repository}@${digest}`, Buffer.from(bytes));
      return { digest, size: bytes.byteLength };
    },
    addManifest(repository, manifest, tag) {
      const bytes = Buffer.from(JSON.stringify(manifest));
      const digest = digestOf(bytes);
      state.manifests.set(`${repository}@${digest}`, { bytes, mediaType: manifest.mediaType });
      if (tag !== undefined) state.tags.set(`${repository}:${tag}`, digest);
      return { mediaType: manifest.mediaType, digest, size: bytes.byteLength };
    },
    revokeTokens: () => state.tokens.clear(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? "/", `http://${host}`);
    answer(request, response, url).catch((error: unknown) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const seen = { method: request.method ?? "", url, authorization: request.headers.authorization, range: request.headers.range };
    const at = requests.push({ ...seen, sizeBytes: 0 }) - 1;
    if (await registry.intercept(request, response, url)) return;
    const body = await collectBytes(request, BODY_BYTES_MAX);
    requests[at] = { ...seen, sizeBytes: body.byteLength };
    route(state, { request, response, url, body });
  }

  return registry;
}

function hostOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return `127.0.0.1:${address.port}`;
}

const ROUTES: ReadonlyArray<readonly [pattern: RegExp, answer: (state: State, exchange: Exchange, repository: string, name: string) => void]> = [
  [/^\/v2\/(.+)\/blobs\/uploads\/(.*)$/, answerUpload],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, answerBlob],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, answerManifest],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, answerReferrers],
  [/^\/v2\/(.+)\/tags\/(list)$/, answerTags],
];

function route(state: State, exchange: Exchange): void {
  const { response, url, request } = exchange;
  if (url.pathname === "/token") return giveToken(state, exchange);
  const found = ROUTES.map(([pattern, run]) => ({ match: pattern.exec(url.pathname), run })).find(({ match }) => match !== null);
  const [, repository = "", name = ""] = found?.match ?? [];
  const action = request.method === "GET" || request.method === "HEAD" ? "pull" : request.method === "DELETE" && !url.pathname.includes("/uploads/") ? "delete" : "push";
  if (!mayDo(state, exchange, repository === "" ? undefined : `repository:${repository}:${action}`)) return;
  if (found !== undefined) return found.run(state, exchange, repository, name);
  if (url.pathname === "/v2/") return void response.writeHead(200).end("{}");
  refuse(response, 404, "NAME_UNKNOWN");
}

function refuse(response: ServerResponse, status: number, code: string, headers: Readonly<Record<string, string>> = {}): void {
  response.setHeaders(new Map(Object.entries(headers)));
  sendRefusal(response, { status, code, message: `fake: ${code}` });
}

function sendRefusal(response: ServerResponse, { status, code, message }: Refusal): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ errors: [{ code, message }] }));
}

function mayDo({ options: { auth = { kind: "none" } }, host, tokens, options }: State, { request, response }: Exchange, scope: string | undefined): boolean {
  const { authorization = "" } = request.headers;
  if (auth.kind === "none") return true;
  if (auth.kind === "basic") {
    if (authorization === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`) return true;
    refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": 'Basic realm="fake"' });
    return false;
  }
  const held = tokens.get(authorization.replace(/^Bearer /, ""));
  if (held !== undefined && (scope === undefined || held.includes(scope))) return true;
  const realm = `${options.tls === undefined ? "http" : "https"}://${host()}/token`;
  const asked = scope === undefined ? "" : `,scope="${scope.replace(/:push$/, ":pull,push")}"`;
  refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": `Bearer realm="${realm}",service="fake"${asked}` });
  return false;
}

function giveToken(state: State, { request, response, url, body }: Exchange): void {
  const { options: { auth }, tokens } = state;
  if (auth?.kind !== "bearer") return refuse(response, 404, "UNSUPPORTED");
  const form = new URLSearchParams(body.toString());
  const scopes = request.method === "POST" ? (form.get("scope") ?? "").split(" ") : url.searchParams.getAll("scope");
  const single = scopes.filter(Boolean).flatMap((scope) => {
    const colon = scope.lastIndexOf(":");
    return scope.slice(colon + 1).split(",").map((action) => `${scope.slice(0, colon)}:${action}`);
  });
  const [user = "", password] = Buffer.from((request.headers.authorization ?? "").replace(/^Basic /, ""), "base64").toString().split(":");
  const isKnown = request.method === "POST" ? auth.identityTokens.includes(form.get("refresh_token") ?? "") : user !== "" && auth.users[user] === password;
  if (!isKnown && (user !== "" || request.method === "POST")) return refuse(response, 401, "UNAUTHORIZED");
  const token = `token-${state.tokensGiven++}-${single.join("+")}`;
  tokens.set(token, single.filter((scope) => isKnown || auth.isPublic(scope)));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, expires_in: 300 }));
}

function answerUpload(state: State, { request, response, url, body }: Exchange, repository: string, id: string): void {
  if (request.method === "DELETE") return void response.writeHead(state.uploads.delete(id) ? 204 : 404).end();
  if (request.method === "POST") {
    const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
    const mounted = mount === null ? undefined : state.blobs.get(`${from}@${mount}`);
    if (mounted !== undefined) {
      state.blobs.set(`${repository}@${mount}`, mounted);
      return void response.writeHead(201, { location: `/v2/${repository}/blobs/${mount}`, "docker-content-digest": mount ?? "" }).end();
    }
    const session = `u${state.uploadsSeen++}`;
    state.uploads.set(session, []);
    // Relative, and with a query of its own: both occur in the wild.
    return void response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${session}?_state=a%2Bb%3D` }).end();
  }
  const parts = state.uploads.get(id);
  if (parts === undefined || url.searchParams.get("_state") !== "a+b=") return refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
  parts.push(body);
  if (request.method === "PATCH") return void response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${id}?_state=a%2Bb%3D` }).end();
  const bytes = Buffer.concat(parts);
  if (digestOf(bytes) !== url.searchParams.get("digest")) return refuse(response, 400, "DIGEST_INVALID");
  state.uploads.delete(id);
  state.blobs.set(`${repository}@${digestOf(bytes)}`, bytes);
  response.writeHead(201, { "docker-content-digest": digestOf(bytes) }).end();
}

function answerBlob(state: State, { request, response }: Exchange, repository: string, digest: string): void {
  if (request.method === "DELETE") return state.blobs.delete(`${repository}@${digest}`) ? void response.writeHead(202).end() : refuse(response, 404, "BLOB_UNKNOWN");
  const bytes = state.blobs.get(`${repository}@${digest}`);
  if (bytes === undefined) return refuse(response, 404, "BLOB_UNKNOWN");
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const part = bytes.subarray(start);
  const range = start === 0 ? {} : { "content-range": `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` };
  response.writeHead(start === 0 ? 200 : 206, { "content-length": part.byteLength, "docker-content-digest": digest, ...range });
  response.end(request.method === "HEAD" ? undefined : part);
}

function answerManifest(state: State, { request, response, body }: Exchange, repository: string, name: string): void {
  if (request.method === "PUT") return putManifest(state, { request, response, body }, repository, name);
  if (request.method === "DELETE") return deleteManifest(state, response, repository, name);
  const digest = name.includes(":") ? name : state.tags.get(`${repository}:${name}`);
  const stored = state.manifests.get(`${repository}@${digest}`);
  if (digest === undefined || stored === undefined) return refuse(response, 404, "MANIFEST_UNKNOWN");
  response.writeHead(200, { "content-type": stored.mediaType, "content-length": stored.bytes.byteLength, "docker-content-digest": digest, ...(state.options.conditions === true ? { etag: `"${digest}"` } : {}) });
  response.end(request.method === "HEAD" ? undefined : stored.bytes);
}

function putManifest(state: State, { request, response, body }: Omit<Exchange, "url">, repository: string, name: string): void {
  const digest = digestOf(body);
  const manifest = JSON.parse(body.toString()) as ManifestPut["manifest"];
  const { config, layers = [], manifests = [], subject } = manifest;
  const has = (one: Descriptor): boolean => state.manifests.has(`${repository}@${one.digest}`);
  const replaces = state.tags.get(`${repository}:${name}`);
  const { refuse: asked = () => undefined, checksBlobs = true, conditions = false } = state.options;
  const refusal = asked({ name, manifest, hasSubject: subject !== undefined && has(subject), replaces });
  if (refusal !== undefined) return sendRefusal(response, refusal);
  const { "if-match": condition } = request.headers;
  if (conditions && condition !== undefined && condition !== `"${replaces}"`) return refuse(response, 412, "UNKNOWN");
  const blobs = [...(config === undefined ? [] : [config]), ...layers];
  const missing = blobs.find((blob) => !state.blobs.has(`${repository}@${blob.digest}`)) ?? manifests.find((one) => !has(one));
  if (checksBlobs && missing !== undefined) return refuse(response, 400, "MANIFEST_BLOB_UNKNOWN");
  state.manifests.set(`${repository}@${digest}`, { bytes: body, mediaType: request.headers["content-type"] ?? "" });
  if (!name.includes(":")) state.tags.set(`${repository}:${name}`, digest);
  const keeps = subject !== undefined && state.options.referrers !== false;
  response.writeHead(201, { "docker-content-digest": digest, ...(keeps ? { "oci-subject": subject.digest } : {}) }).end();
}

/** As the reference registry does: by digest only, and tags that name it go too. */
function deleteManifest(state: State, response: ServerResponse, repository: string, name: string): void {
  if (!name.includes(":")) return refuse(response, 400, "DIGEST_INVALID");
  if (!state.manifests.delete(`${repository}@${name}`)) return refuse(response, 404, "MANIFEST_UNKNOWN");
  for (const [tag, digest] of state.tags) if (digest === name && tag.startsWith(`${repository}:`)) state.tags.delete(tag);
  response.writeHead(202).end();
}

function answerReferrers(state: State, { response }: Exchange, repository: string, digest: string): void {
  if (state.options.referrers === false) return refuse(response, 404, "UNSUPPORTED");
  const about = [...state.manifests].flatMap(([key, { bytes, mediaType }]) => {
    const { subject, config, artifactType = config?.mediaType } = JSON.parse(bytes.toString()) as { readonly subject?: Descriptor; readonly config?: Descriptor; readonly artifactType?: string };
    if (!key.startsWith(`${repository}@`) || subject?.digest !== digest) return [];
    return [{ mediaType, digest: digestOf(bytes), size: bytes.byteLength, ...(artifactType === undefined ? {} : { artifactType }) }];
  });
  response.writeHead(200, { "content-type": MEDIA_TYPE.ociIndex }).end(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPE.ociIndex, manifests: about }));
}

function answerTags(state: State, { response, url }: Exchange, repository: string): void {
  const all = [...state.tags.keys()].filter((key) => key.startsWith(`${repository}:`)).map((key) => key.slice(repository.length + 1)).toSorted();
  const rest = all.filter((tag) => tag > (url.searchParams.get("last") ?? ""));
  const page = rest.slice(0, 2);
  const link = rest.length > page.length ? { link: `</v2/${repository}/tags/list?last=${page.at(-1)}>; rel="next"` } : {};
  response.writeHead(200, { "content-type": "application/json", ...link }).end(JSON.stringify({ name: repository, tags: page }));
}
