import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runProcess, startProcess } from "../host/process.ts";

const BACKEND = ["/usr/lib/git-core/git-http-backend", "/usr/libexec/git-core/git-http-backend"].find((path) => existsSync(path));

/** For node:test: the reason to skip, or false. */
export const gitServerSkip: string | false = BACKEND === undefined ? "git with its http-backend is not installed" : false;

export interface GitServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; a repository is below it. */
  readonly url: string;
  readonly port: number;
  /** `METHOD path` of each request, and the header with which it was let in or not. */
  readonly requests: ReadonlyArray<{ readonly path: string; readonly host: string; readonly authorization: string | undefined }>;
  /** Answers from now on; whoever waited for an answer is cut off. */
  speak(): void;
  /** A new repository with a commit of these files on `main`. */
  repository(name: string, files: Readonly<Record<string, string>>): Promise<GitRepository>;
}

export interface GitRepository {
  readonly path: string;
  git(...args: readonly string[]): Promise<string>;
  /** Writes the files, commits all, and returns the hash. */
  commit(files: Readonly<Record<string, string>>, message?: string): Promise<string>;
}

export interface GitServerOptions {
  /** The one Authorization header that lets in; anybody where not given. */
  readonly authorization?: string;
  /** Speaks git's protocol 0, in which a server gives the tips of branches and tags only. */
  readonly oldProtocol?: boolean;
  /** Serves https with it. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Takes requests, and does not answer until `speak`. */
  readonly silent?: boolean;
}

/** 2020-09-13T12:26:40Z. */
export const COMMIT_SECONDS = 1_600_000_000;

const never = new AbortController().signal;

/** Git's own server program behind HTTP; a proxy's requests, whose line names another host, are answered as well. */
export async function startGitServer({ authorization, oldProtocol = false, certificate, silent = false }: GitServerOptions = {}): Promise<GitServer> {
  const root = await mkdtemp(join(tmpdir(), "stemma-git-server-"));
  let isSilent = silent;
  const requests: GitServer["requests"][number][] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? "/", "http://placeholder");
    requests.push({ path: `${request.method} ${url.pathname}`, host: request.headers.host ?? "", authorization: request.headers.authorization });
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    if (oldProtocol) delete request.headers["git-protocol"];
    if (!isSilent) answer(root, { request, response, url });
  };
  const server = certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http${certificate === undefined ? "" : "s"}://127.0.0.1:${port}`,
    port, requests,
    speak() {
      isSilent = false;
      server.closeAllConnections();
    },
    repository: (name, files) => makeRepository(join(root, name), files),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Served with all that a client may ask for: single commits too, as the well-known servers do. */
export async function makeRepository(path: string, files: Readonly<Record<string, string>>): Promise<GitRepository> {
  await mkdir(path, { recursive: true });
  const env = {
    PATH: process.env["PATH"] ?? "", HOME: "/dev/null", GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.com", GIT_COMMITTER_NAME: "c", GIT_COMMITTER_EMAIL: "c@example.com",
    GIT_AUTHOR_DATE: `${COMMIT_SECONDS} +0000`, GIT_COMMITTER_DATE: `${COMMIT_SECONDS} +0000`,
  };
  const git = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProcess({ argv: ["git", "-c", "protocol.file.allow=always", "-c", "maintenance.auto=false", ...args], cwd: path, env }, never);
    if (exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr.toString("utf8")}`);
    return stdout.toString("utf8").trim();
  };
  const commit = async (more: Readonly<Record<string, string>>, message = "change"): Promise<string> => {
    for (const [name, content] of Object.entries(more)) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), content);
    }
    await git("add", "-A");
    await git("commit", "--quiet", "--allow-empty", "-m", message);
    return await git("rev-parse", "HEAD");
  };
  await git("-c", "init.defaultBranch=main", "init", "--quiet");
  await commit(files, "first");
  return { path, git, commit };
}

/** RFC 3875, as far as git's program reads and writes it. */
function answer(root: string, { request, response, url }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly url: URL }): void {
  const header = (name: string): string => String(request.headers[name] ?? "");
  const child = startProcess({
    argv: [BACKEND ?? "git-http-backend"],
    env: {
      PATH: process.env["PATH"] ?? "", GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: "1", PATH_INFO: url.pathname.replace(/\.git(?=\/)/, ""), QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method, CONTENT_TYPE: header("content-type"), HTTP_CONTENT_ENCODING: header("content-encoding"), GIT_PROTOCOL: header("git-protocol"), REMOTE_ADDR: "127.0.0.1",
      ...(request.headers["content-length"] === undefined ? {} : { CONTENT_LENGTH: header("content-length") }),
    },
  }, ["pipe", "pipe", "ignore"]);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error("the server's pipes are missing");
  stdin.on("error", () => undefined);
  request.pipe(stdin);
  let head = Buffer.alloc(0);
  const onHead = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) return;
    stdout.off("data", onHead);
    const fields = head.toString("latin1", 0, end).split("\r\n").map((line) => line.split(": ") as [string, string]);
    const status = Number(fields.find(([name]) => name === "Status")?.[1].slice(0, 3) ?? 200);
    response.writeHead(status, Object.fromEntries(fields.filter(([name]) => name !== "Status")));
    response.write(head.subarray(end + 4));
    stdout.pipe(response);
  };
  stdout.on("data", onHead);
  response.on("close", () => void child.kill());
}
