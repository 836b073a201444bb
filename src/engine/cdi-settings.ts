import { dirname, resolve } from "node:path";
import { RegistryConfigError, readSettingsDocument } from "../registry/registry-config.ts";
import { CDI_DIRECTORIES, readCdiDevices, type CdiDevices } from "../sandbox/cdi-devices.ts";

/** The devices of this machine, read once they are asked for; where they are described, BuildKit's `[cdi]` says. Throws RegistryConfigError. */
export function cdiDevices(settings: string): () => Promise<CdiDevices> {
  let read: Promise<CdiDevices> | undefined;
  return () => (read ??= readDevices(settings));
}

async function readDevices(path: string): Promise<CdiDevices> {
  const { cdi = {} } = await readSettingsDocument(path);
  if (typeof cdi !== "object" || cdi === null) throw new RegistryConfigError(`${path}: cdi is no table`);
  const { disabled, specDirs, autoAllowed }: { readonly disabled?: unknown; readonly specDirs?: unknown; readonly autoAllowed?: unknown } = cdi;
  const directories = specDirs === undefined ? CDI_DIRECTORIES : textsOf(specDirs, `${path}: cdi.specDirs`).map((directory) => resolve(dirname(path), directory));
  return await readCdiDevices({ directories: disabled === true ? [] : directories, autoAllowed: textsOf(autoAllowed ?? [], `${path}: cdi.autoAllowed`) });
}

function textsOf(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === "string")) throw new RegistryConfigError(`${place}: a list of texts is needed`);
  return value;
}
