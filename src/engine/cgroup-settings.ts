import { RegistryConfigError, readSettingsDocument } from "../registry/registry-config.ts";

/** In what control group those of steps are made that name none: BuildKit's `defaultCgroupParent` of `[worker.oci]`, read once a step is to run. Throws RegistryConfigError. */
export function defaultCgroupParent(settings: string): () => Promise<string> {
  let read: Promise<string> | undefined;
  return () => (read ??= readParent(settings));
}

async function readParent(path: string): Promise<string> {
  const { worker } = await readSettingsDocument(path);
  const parent = memberOf(memberOf(worker, "oci"), "defaultCgroupParent") ?? "";
  if (typeof parent !== "string") throw new RegistryConfigError(`${path}: worker.oci.defaultCgroupParent: the path of a control group is needed, such as "/builds"`);
  return parent;
}

/** That the tables are tables was looked at with what they say of collection. */
function memberOf(table: unknown, name: string): unknown {
  return typeof table === "object" && table !== null ? (table as Readonly<Record<string, unknown>>)[name] : undefined;
}
