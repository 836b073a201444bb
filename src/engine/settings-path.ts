import { join } from "node:path";
import type { Environment } from "../host/environment.ts";

/** The settings file, in BuildKit's TOML form (XDG Base Directory). It need not exist. */
export function settingsPath(env: Environment): string {
  const directory = env["XDG_CONFIG_HOME"] || join(env["HOME"] ?? "/", ".config");
  return join(directory, "stemma", "stemma.toml");
}
