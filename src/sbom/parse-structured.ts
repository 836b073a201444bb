import { parsed, textOf } from "./parse-text.ts";

/** The libraries are loaded where a file of their form is met, and not before. */

/** Every scalar is a text, as written: a version of `1.10` is no number. Lock files have no use for aliases, which multiply. */
export async function yamlParser(): Promise<(bytes: Uint8Array) => readonly unknown[]> {
  const { FAILSAFE_SCHEMA, loadAll } = await import("js-yaml");
  return (bytes) => parsed("YAML", () => loadAll(textOf(bytes), { schema: FAILSAFE_SCHEMA, maxAliases: 0 }));
}

export async function tomlParser(): Promise<(bytes: Uint8Array) => unknown> {
  const { parse } = await import("smol-toml");
  // Big, or a number too large to be exact is an error.
  return (bytes) => parsed("TOML", () => parse(textOf(bytes), { integersAsBigInt: true }));
}
