import { goBoolean } from "../content/go-boolean.ts";
import type { Environment } from "../host/environment.ts";

/** What the environment asks of git (anchor A40–A42). */
export interface GitSettings {
  readonly labels: boolean;
  readonly info: boolean;
  readonly checkDirty: boolean;
}

/** A value that is no boolean leaves the default, as in buildx. */
export function gitSettings(env: Environment): GitSettings {
  const labels = env["BUILDX_GIT_LABELS"];
  return {
    labels: labels === "full" || (goBoolean(labels) ?? false),
    info: goBoolean(env["BUILDX_GIT_INFO"]) ?? true,
    checkDirty: goBoolean(env["BUILDX_GIT_CHECK_DIRTY"]) ?? false,
  };
}
