import type { Environment } from "../host/environment.ts";
import { SessionError } from "./session-error.ts";

/** Where the value of a secret comes from. */
export type SecretSource =
  /** `given` is how messages name it, where that is not its path. */
  | { readonly kind: "file"; readonly path: string; readonly given?: string }
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "function"; read(signal: AbortSignal): Promise<Uint8Array> };

export interface NamedSecret {
  readonly id: string;
  readonly source: SecretSource;
}

/**
 * A secret from the comma-separated fields of `--secret` (`id=npm,src=.npmrc`). Without a source it is
 * the variable of that name, and where there is none the file. Throws SessionError "usage" in buildx's words.
 */
export function parseSecret(fields: readonly string[], environment: Environment): NamedSecret {
  const values = { id: "", src: "", env: "", type: "" };
  for (const field of fields) assign(values, field);
  const { id, type } = values;
  if (id === "") throw new SessionError("usage", "secret missing ID");
  const isVariable = type === "env" && values.env === "";
  const name = isVariable ? values.src : values.env;
  const path = isVariable ? "" : values.src;
  // A variable is asked first where both are named, as BuildKit's store does.
  if (name !== "") return { id, source: { kind: "env", name } };
  if (path !== "") return { id, source: { kind: "file", path } };
  return { id, source: environment[id] === undefined ? { kind: "file", path: id } : { kind: "env", name: id } };
}

function assign(values: Record<"id" | "src" | "env" | "type", string>, field: string): void {
  const equals = field.indexOf("=");
  if (equals === -1) throw new SessionError("usage", `invalid field '${field}' must be a key=value pair`);
  const key = field.slice(0, equals).toLowerCase();
  const value = field.slice(equals + 1);
  switch (key) {
    case "type":
      if (value !== "file" && value !== "env") throw new SessionError("usage", `unsupported secret type ${JSON.stringify(value)}`);
      values.type = value;
      return;
    case "id":
    case "env":
      values[key] = value;
      return;
    case "src":
    case "source":
      values.src = value;
      return;
    default:
      // Who writes so may have written the secret itself.
      if (/^(?:value|val|data|content|text|secret|token|password|pass|key)$/.test(key)) throw new SessionError("usage", `unexpected key '${key}' in '${key}=…': give the secret by src=PATH or env=VARIABLE`);
      throw new SessionError("usage", `unexpected key '${key}' in '${field}'`);
  }
}
