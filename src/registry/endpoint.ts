import { isLoopback } from "../host/http-proxy.ts";
import type { TlsSettings } from "../host/http-trust.ts";
import { DEFAULT_SETTINGS, type RegistryConfig, type RegistrySettings } from "./registry-config.ts";
import type { Access } from "./scope.ts";

/** One server that may be asked for a registry's content. */
export interface Endpoint {
  /** As people name it: `docker.io`, or the mirror's host. Under this name its credentials are found. */
  readonly name: string;
  /** Ends in `/v2/`, or in the mirror's prefix below that. */
  readonly base: URL;
  /** Tried where `base` turns out to speak no TLS. */
  readonly fallback: URL | undefined;
  /** For a mirror, which registry it stands for: the `ns` of containerd's mirrors. */
  readonly namespace: string | undefined;
  readonly tls: TlsSettings;
}

/** Docker Hub is named after its site, and served elsewhere. */
const HOSTS: Readonly<Record<string, string>> = { "docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io" };

/** Whom to ask, in this order. The registry itself is last; only it is pushed to. */
export function endpointsFor(domain: string, config: RegistryConfig, access: Access): readonly Endpoint[] {
  const settings = config.registries.get(domain) ?? DEFAULT_SETTINGS;
  const mirrors = access === "push" ? [] : settings.mirrors.map((mirror) => mirrorEndpoint(mirror, domain, config));
  return [...mirrors, endpoint({ name: domain, host: HOSTS[domain] ?? domain, prefix: "" }, undefined, settings)];
}

interface Address {
  readonly name: string;
  readonly host: string;
  /** Between slashes, without them at either end. */
  readonly prefix: string;
}

function mirrorEndpoint(mirror: string, domain: string, config: RegistryConfig): Endpoint {
  const [host = "", ...path] = mirror.replace(/^https?:\/\//, "").split("/");
  const prefix = path.filter(Boolean).join("/");
  const named = config.registries.get(host) ?? DEFAULT_SETTINGS;
  const settings = mirror.startsWith("http://") && named.http === undefined ? { ...named, http: true } : named;
  return endpoint({ name: host, host: HOSTS[host] ?? host, prefix }, domain, settings);
}

function endpoint({ name, host, prefix }: Address, namespace: string | undefined, { http, tls }: RegistrySettings): Endpoint {
  const at = (scheme: string): URL => new URL(`${scheme}://${host}/v2/${prefix === "" ? "" : `${prefix}/`}`);
  const plain = http ?? isLoopback(at("https"));
  // `insecure` alone means TLS without proof; with `http` it means either, the better one first.
  const base = at(plain && !tls.insecure ? "http" : "https");
  return { name, base, fallback: plain && tls.insecure ? at("http") : undefined, namespace, tls };
}
