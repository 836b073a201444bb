import type { Agent } from "node:http";
import type { Environment } from "./environment.ts";
import { HttpError } from "./http-error.ts";
import { secureContext, trustedAuthorities, type TlsSettings } from "./http-trust.ts";
import { nodeHttp, nodeHttps } from "./network-modules.ts";

const PLAIN: TlsSettings = { ca: [], keypairs: [], insecure: false };

/** Pools of connections of a process. */
export interface Agents {
  /** `origin` is where the request was meant to go: only that server is shown a key pair. */
  agentFor(request: { readonly url: URL; readonly tls?: TlsSettings }, origin: string, proxy: URL | undefined): Promise<Agent>;
  destroy(): void;
}

/** One pool of connections for each way of connecting: settings, key pair or none, proxy. */
export function openAgents(env: Environment): Agents {
  const pools = new Map<TlsSettings | undefined, Map<string, Agent | Promise<Agent>>>();
  let authorities: Promise<readonly string[]> | undefined;

  async function openTls(settings: TlsSettings, proxy: URL | undefined): Promise<Agent> {
    authorities ??= trustedAuthorities(env);
    const context = secureContext(await authorities, settings);
    const proxyEnv = proxy === undefined ? {} : { HTTPS_PROXY: proxy.href };
    return new (nodeHttps().Agent)({ keepAlive: true, proxyEnv, secureContext: context, rejectUnauthorized: !settings.insecure });
  }

  return {
    async agentFor({ url, tls = PLAIN }, origin, proxy) {
      if (proxy !== undefined && !["http:", "https:"].includes(proxy.protocol)) {
        throw new HttpError("unreachable", `no support for proxies of the kind ${proxy.protocol}//`);
      }
      const settings = url.protocol === "https:" ? tls : undefined;
      const pool = pools.get(settings) ?? new Map<string, Agent | Promise<Agent>>();
      pools.set(settings, pool);
      const showsKeypairs = settings !== undefined && settings.keypairs.length > 0 && url.origin === origin;
      const key = `${showsKeypairs} ${proxy?.href ?? ""}`;
      const open = (): Agent | Promise<Agent> => {
        if (settings === undefined) return new (nodeHttp().Agent)({ keepAlive: true, proxyEnv: proxy === undefined ? {} : { HTTP_PROXY: proxy.href } });
        return openTls(showsKeypairs ? settings : { ...settings, keypairs: [] }, proxy);
      };
      const agent = pool.get(key) ?? open();
      pool.set(key, agent);
      return await agent;
    },
    destroy() {
      for (const pool of pools.values()) {
        for (const agent of pool.values()) void Promise.resolve(agent).then((open) => open.destroy(), () => undefined);
      }
      pools.clear();
    },
  };
}
