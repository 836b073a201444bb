import { member } from "../content/parsed-value.ts";
import { RegistryConfigError, readSettingsDocument } from "../registry/registry-config.ts";

/** In what control group those of steps are made that name none: BuildKit's `defaultCgroupParent` of `[worker.oci]`, read once a step is to run. Throws RegistryConfigError. */
export function defaultCgroupParent(settings: string): () => Promise<string> {
  let read: Promise<string> | undefined;
  return () => (read ??= readParent(settings));
}

async function readParent(path: string): Promise<string> {
  const { worker } = await readSettingsDocument(path);
  const parent = member(member(worker, "oci"), "defaultCgroupParent") ?? "";
  if (typeof parent !== "string") throw new RegistryConfigError(`${path}: worker.oci.defaultCgroupParent: the path of a control group is needed, such as "/builds"`);
  return parent;
}
