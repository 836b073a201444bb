import { defaultCredentials, loadRegistryConfig, openRegistryClient } from "../doors/registry.ts";
import { openImage, type OpenImage } from "../doors/trace.ts";
import type { CommandIo } from "./command.ts";

/** Opens the image that a command is about, with the credentials and registries of whoever called it. */
export async function withImage<T>(name: string, { env, cwd, signal }: CommandIo, use: (image: OpenImage) => Promise<T>): Promise<T> {
  await using client = openRegistryClient({ credentials: defaultCredentials(env), config: await loadRegistryConfig(env), env });
  await using image = await openImage(name, { client, cwd }, signal);

  return await use(image);
}
