import { isIP } from "node:net";
import type { NetworkMode } from "./sandbox.ts";

const HOST_FILE = "/etc/resolv.conf";

/** What systemd-resolved keeps beside the file that names only itself. */
const SYSTEMD_RESOLVED_FILE = "/run/systemd/resolve/resolv.conf";

/** Used where the host names none that could be reached: the same as Docker's and BuildKit's. */
const DEFAULT_NAMESERVERS = ["8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"];

interface ResolverSettings {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
  /** Lines of other kinds, as they stand. */
  readonly others: readonly string[];
}

/**
 * The text of a sandbox's /etc/resolv.conf (resolv.conf(5)). With the host's network it is the host's, without its
 * comments; otherwise name servers on loopback are left out, since they answer only in the host's network.
 * `readHostFile` gives undefined for a file that is not there.
 */
export function resolvConf(network: NetworkMode, readHostFile: (path: string) => string | undefined): string {
  const settings = parse(readHostFile(hostFile(network, readHostFile)) ?? "");
  if (network === "host" && settings.nameservers.length > 0) return format(settings);
  const reachable = settings.nameservers.filter((address) => !isLoopback(address));
  return format({ ...settings, nameservers: reachable.length > 0 ? reachable : DEFAULT_NAMESERVERS });
}

function hostFile(network: NetworkMode, readHostFile: (path: string) => string | undefined): string {
  if (network === "host") return HOST_FILE;
  const { nameservers } = parse(readHostFile(HOST_FILE) ?? "");
  return nameservers.length === 1 && nameservers[0] === "127.0.0.53" ? SYSTEMD_RESOLVED_FILE : HOST_FILE;
}

function parse(text: string): ResolverSettings {
  const nameservers: string[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  const others: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === undefined || keyword === "" || /^[#;]/.test(line)) continue;
    if (keyword === "nameserver") nameservers.push(...values.slice(0, 1).filter((address) => isIP(address) !== 0));
    else if (keyword === "search" || keyword === "domain") search = values.length > 0 ? values : search;
    else if (keyword === "options") options.push(...values);
    else others.push(line);
  }
  return { nameservers, search, options, others };
}

function format(settings: ResolverSettings): string {
  const lines = settings.nameservers.map((address) => `nameserver ${address}`);
  if (settings.search.length > 0) lines.push(`search ${settings.search.join(" ")}`);
  if (settings.options.length > 0) lines.push(`options ${settings.options.join(" ")}`);
  return [...lines, ...settings.others].map((line) => `${line}\n`).join("");
}

function isLoopback(address: string): boolean {
  const ipv4 = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
  return isIP(ipv4) === 4 ? ipv4.startsWith("127.") : /^(0*:)+0*1$/.test(ipv4);
}
