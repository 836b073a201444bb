import { BlockList, isIP } from "node:net";
import type { Environment } from "./environment.ts";

/** The ranges that never leave the machine, and so never pass a proxy. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * The proxy that the environment names for a target, or undefined for a direct connection.
 *
 * Rules are those of Go's programs, with which people set these variables for containers: upper case before lower,
 * loopback always direct, and in NO_PROXY names (with their subdomains), addresses, CIDR ranges, ports and `*`.
 * ALL_PROXY counts where the scheme's own variable is missing.
 */
export function proxyFor(target: URL, env: Environment): URL | undefined {
  const name = target.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = variable(env, name) ?? variable(env, "ALL_PROXY");
  if (proxy === undefined || isLoopback(target) || isExempt(target, variable(env, "NO_PROXY") ?? "")) return undefined;
  return URL.parse(proxy.includes("://") ? proxy : `http://${proxy}`) ?? undefined;
}

/** True for names and addresses of this machine. */
export function isLoopback(target: URL): boolean {
  const host = bareHost(target);
  const version = isIP(host);
  return host === "localhost" || (version !== 0 && LOOPBACK.check(host, version === 4 ? "ipv4" : "ipv6"));
}

function variable(env: Environment, name: string): string | undefined {
  const value = env[name] || env[name.toLowerCase()];
  return value === undefined || value === "" ? undefined : value;
}

function bareHost(target: URL): string {
  return target.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();
}

function isExempt(target: URL, list: string): boolean {
  const host = bareHost(target);
  const port = target.port === "" ? (target.protocol === "https:" ? "443" : "80") : target.port;
  return list.split(",").some((entry) => exempts(entry.trim().toLowerCase(), host, port));
}

function exempts(entry: string, host: string, port: string): boolean {
  if (entry === "") return false;
  if (entry === "*") return true;
  if (entry.includes("/")) return isIP(host) !== 0 && inRange(host, entry);
  // An IPv6 address is full of colons and may stand bare; a port needs brackets then.
  const [, name = entry, wantedPort] = isIP(entry) === 6 ? [entry, entry] : (/^\[?(.*?)\]?(?::(\d+))?$/.exec(entry) ?? []);
  if (wantedPort !== undefined && wantedPort !== port) return false;
  if (isIP(host) !== 0) return host === name;
  const domain = name.replace(/^\*/, "");
  return domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

function inRange(host: string, range: string): boolean {
  const [network = "", prefix = ""] = range.split("/");
  const version = isIP(network);
  if (version === 0 || isIP(host) !== version || !/^\d{1,3}$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), version === 4 ? "ipv4" : "ipv6");
  return list.check(host, version === 4 ? "ipv4" : "ipv6");
}
