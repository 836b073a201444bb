import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { member } from "../content/parsed-value.ts";
import type { Environment } from "../host/environment.ts";
import { ExportError } from "./error.ts";

/** The context that is there without being kept anywhere. */
const DEFAULT = "default";

/**
 * Which engine Docker's own command would speak to, as DOCKER_HOST would have it: that of `context`, else DOCKER_HOST, else that of DOCKER_CONTEXT or
 * `docker context use`. Undefined for the one of this machine. Throws ExportError ("usage") for a context that is not there, or that needs more than an address.
 */
export function contextAddress(context: string | undefined, env: Environment): string | undefined {
  const directory = env["DOCKER_CONFIG"] || (env["HOME"] ? join(env["HOME"], ".docker") : undefined);
  const host = env["DOCKER_HOST"] || undefined;
  if (context === undefined && host !== undefined) return host;
  const name = context ?? (env["DOCKER_CONTEXT"] || currentContext(directory));
  if (name === undefined || name === DEFAULT) return host;
  return endpointOf(name, directory);
}

function currentContext(directory: string | undefined): string | undefined {
  const config = directory === undefined ? undefined : readJson(join(directory, "config.json"));
  return textMember(config, "currentContext");
}

function endpointOf(name: string, directory: string | undefined): string {
  const id = createHash("sha256").update(name).digest("hex");
  const path = join(directory ?? "", "contexts/meta", id, "meta.json");
  const meta = directory === undefined ? undefined : readJson(path);
  if (meta === undefined) throw new ExportError("usage", `Docker's context ${JSON.stringify(name)} is not there: see "docker context ls", or set DOCKER_HOST`);
  const endpoint = member(member(meta, "Endpoints"), "docker");
  const host = textMember(endpoint, "Host");
  if (host === undefined) throw new ExportError("usage", `Docker's context ${JSON.stringify(name)} names no engine: ${path} has no Endpoints.docker.Host; use another context, or set DOCKER_HOST`);
  if (existsSync(join(directory ?? "", "contexts/tls", id, "docker"))) throw new ExportError("usage", `Docker's context ${JSON.stringify(name)}: an engine behind TLS is not supported: use another context, or write a file with -o type=docker,dest=image.tar`);
  return host;
}

/** Undefined where there is no such file. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw new ExportError("usage", `${path}: ${error instanceof Error ? error.message : String(error)}: mend it, or set DOCKER_HOST`, { cause: error });
  }
}

function textMember(value: unknown, name: string): string | undefined {
  const text = member(value, name);
  return typeof text === "string" && text !== "" ? text : undefined;
}
