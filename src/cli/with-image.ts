import { defaultCredentials, loadRegistryConfig, openRegistryClient, type RegistryClient } from "../doors/registry.ts";
import { openImage, type OpenImage } from "../doors/trace.ts";
import type { CommandIo } from "./command.ts";

/** Opens registries with the credentials and settings of whoever called. */
export async function withRegistry<T>({ env }: Pick<CommandIo, "env">, use: (client: RegistryClient) => Promise<T>): Promise<T> {
  await using client = openRegistryClient({ credentials: defaultCredentials(env), config: await loadRegistryConfig(env), env });

  return await use(client);
}

/** Opens the image that a command is about, in the same way. */
export async function withImage<T>(name: string, io: CommandIo, use: (image: OpenImage) => Promise<T>): Promise<T> {
  return await withRegistry(io, async (client) => {
    await using image = await openImage(name, { client, cwd: io.cwd }, io.signal);

    return await use(image);
  });
}
