import type { Environment } from "../host/environment.ts";
import { UsageError } from "./usage-error.ts";

/**
 * `NAME=value` flags as a record. `NAME` alone takes the value from `env`, and is left out where
 * that has none, as buildx does it for build arguments.
 */
export function parsePairs(flag: string, texts: readonly string[], env: Environment): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    const name = at === -1 ? text : text.slice(0, at);
    if (name === "") throw new UsageError(flag === "build-context" ? "invalid context name : invalid reference format" : `invalid key-value pair ${JSON.stringify(text)}: empty key`);
    const value = at === -1 ? env[name] : text.slice(at + 1);
    if (flag === "label" && at === -1) pairs[name] = "";
    else if (value !== undefined) pairs[name] = value;
    else if (flag === "build-context") throw new UsageError(`invalid context value: ${text}, expected key=value`);
  }
  return pairs;
}
