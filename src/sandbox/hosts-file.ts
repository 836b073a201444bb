import type { Surroundings } from "./sandbox.ts";

/** The text of a sandbox's /etc/hosts (hosts(5)), in BuildKit's form. */
export function hostsFile(process: Pick<Surroundings, "hostname" | "extraHosts">): string {
  const lines = [
    `127.0.0.1\tlocalhost ${hostnameOf(process)}`,
    "::1\tlocalhost ip6-localhost ip6-loopback",
    ...process.extraHosts.map(({ host, ip }) => `${ip}\t${host}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** BuildKit's name for a sandbox stands where none is given. */
export function hostnameOf(process: Pick<Surroundings, "hostname">): string {
  return process.hostname === "" ? "buildkitsandbox" : process.hostname;
}
