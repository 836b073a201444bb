import { systemClock } from "../host/clock.ts";
import type { Environment } from "../host/environment.ts";
import { openAgents } from "../host/http-agents.ts";
import { proxyFor } from "../host/http-proxy.ts";
import type { Platform } from "../oci/platform.ts";
import type { OpenStepProxy } from "../ops/step-network.ts";
import type { CertificateAuthority } from "../proxy/certificate-authority.ts";
import { redactUrl } from "../scrub/url.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { SourceGate } from "./source-gate.ts";

/** The proxies that all requests of a build's steps pass, one for each step. They share an authority, made when the first step needs it. */
export class NetworkProxies {
  readonly #env: Environment;
  #authority: Promise<CertificateAuthority> | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** For the steps of one platform, each request of which is asked about at the gate. */
  for(platform: Platform, gate: SourceGate): OpenStepProxy {
    return async ({ directory, variables }, signal) => {
      const [{ openCapturingProxy }, { makeCertificateAuthority }] = await Promise.all([import("../proxy/capturing-proxy.ts"), import("../proxy/certificate-authority.ts")]);
      const authority = await (this.#authority ??= makeCertificateAuthority(Number(systemClock.nowNs() / 1_000_000n)));
      // A step that is to use a proxy uses it by way of ours.
      const env = { ...this.#env, ...variables };
      const agents = openAgents(env);
      const proxy = await openCapturingProxy({
        authority, directory,
        agentFor: async (url) => await agents.agentFor({ url }, url.origin, proxyFor(url, env)),
        admit: async (method, url) => await admitted({ method, url, platform }, gate, signal),
      });
      return {
        path: proxy.path,
        certificate: authority.certificate,
        finish: () => proxy.finish(),
        async [Symbol.asyncDispose]() {
          await proxy[Symbol.asyncDispose]();
          agents.destroy();
        },
      };
    };
  }
}

interface ProxiedRequest {
  readonly method: string;
  readonly url: string;
  readonly platform: Platform;
}

/** What is to be asked for in its place; in BuildKit's words where it is nothing. Policies see no credentials. Throws PolicyError. */
async function admitted({ method, url, platform }: ProxiedRequest, gate: SourceGate, signal: AbortSignal): Promise<string> {
  const shown = redactUrl(url);
  const { identifier, attrs } = await gate.admit({ identifier: shown, attrs: {}, platform }, signal);
  const hasAttrs = Object.keys(attrs).length > 0;
  if (identifier === shown && !hasAttrs) return url;
  if (method !== "GET") throw new PolicyError(`source policy converted proxy request ${JSON.stringify(shown)}, but conversion is only supported for GET`);
  if (hasAttrs) throw new PolicyError(`source policy converted proxy request ${JSON.stringify(shown)} with attrs, but proxy conversion only supports URL updates`);
  if (!/^https?:\/\//i.test(identifier) || !URL.canParse(identifier)) throw new PolicyError(`source policy converted proxy request to unsupported URL ${JSON.stringify(redactUrl(identifier))}`);
  return identifier;
}
