import { UsageError } from "./usage-error.ts";

const HOST = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(:\d+)?$/;

/** The registry that an argument names, as references name it. Docker Hub where there is none; a URL's host is taken. */
export function registryHost(text: string | undefined): string {
  const host = (text ?? "docker.io").replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
  if (!HOST.test(host)) throw new UsageError(`${JSON.stringify(text)}: not the name of a registry, such as ghcr.io or localhost:5000`);
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}
