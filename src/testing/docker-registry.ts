import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startProcess, type RunningProcess } from "../host/process.ts";
import { startOnOwnPort } from "./own-port.ts";

/** The reference registry, as a process of its own on this machine. */
export interface DockerRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`, as in references. */
  readonly host: string;
  /** The directory that it keeps everything in; missing before the first upload. */
  readonly storage: string;
  /** All that it has answered, as `GET /v2/app/manifests/1 200`, for one that is plain and lets everyone in. */
  readonly requests: () => Promise<readonly string[]>;
}

export interface DockerRegistryOptions {
  /** Where given, only this user is let in: name `stemma`, password `secret`. */
  readonly auth?: "basic";
  /** Paths of PEM files; where given, it speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** A registry for which this one is a pull-through mirror: `http://host:port`. */
  readonly proxies?: string;
}

export const DOCKER_REGISTRY_USER = { username: "stemma", password: "secret" } as const;

/** bcrypt of that password; the registry takes no other form. */
const HTPASSWD = "stemma:$2b$05$wc.3g8kIdf4lg/1g9Zp4kesOfpKXeb8c3DZq9V3jA3KBxvqrfP3gi\n";
const PROGRAM = ["/usr/bin/docker-registry", "/usr/local/bin/docker-registry"].find((path) => existsSync(path));
const ANSWER_ATTEMPTS_MAX = 500;

/** For node:test: the reason to skip, or false where the program is here. */
export const dockerRegistrySkip: string | false = PROGRAM === undefined ? "docker-registry is not installed" : false;

export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  if (PROGRAM === undefined) throw new Error("docker-registry is not installed");
  const directory = await mkdtemp(join(tmpdir(), "stemma-registry-"));
  await writeFile(join(directory, "htpasswd"), HTPASSWD);
  const config = join(directory, "config.yml");
  let [log, access] = ["", ""];
  const start = async (port: number): Promise<RunningProcess> => {
    await writeFile(config, configuration(directory, `127.0.0.1:${port}`, options));
    const child = startProcess({ argv: [PROGRAM, "serve", config], env: {} }, ["ignore", "pipe", "pipe"]);
    child.stdout?.on("data", (chunk: Buffer) => (access += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    return child;
  };
  const { child, port } = await startOnOwnPort(start, () => log).catch(async (error: unknown) => {
    await rm(directory, { recursive: true, force: true });
    throw error;
  });
  const host = `127.0.0.1:${port}`;
  const exited = once(child, "exit");
  let questions = 0;
  return {
    host,
    storage: join(directory, "data"),
    async requests() {
      // A request is logged once it is answered: what came before this one stands before it.
      const last = `/v2/?question=${++questions}`;
      await (await fetch(`http://${host}${last}`)).bytes();
      for (let attempt = 0; !access.includes(`"GET ${last} `); attempt++) {
        if (attempt === ANSWER_ATTEMPTS_MAX) throw new Error("docker-registry did not log a request");
        await delay(10);
      }
      return requestsOf(access).filter((request) => !request.includes("/v2/?question="));
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Of lines as web servers write them: `127.0.0.1 - - [time] "GET /v2/ HTTP/1.1" 200 …`. */
function requestsOf(access: string): string[] {
  return Array.from(access.matchAll(/^\S+ - \S+ \[[^\]]*\] "(\S+ \S+) [^"]*" (\d+) /gm), ([, request, status]) => `${request} ${status}`);
}

function configuration(directory: string, host: string, { auth, tls, proxies }: DockerRegistryOptions): string {
  return JSON.stringify({
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    http: { addr: host, secret: "stemma", ...(tls === undefined ? {} : { tls: { certificate: tls.cert, key: tls.key } }) },
    ...(auth === undefined ? {} : { auth: { htpasswd: { realm: "test", path: join(directory, "htpasswd") } } }),
    ...(proxies === undefined ? {} : { proxy: { remoteurl: proxies } }),
  });
}
