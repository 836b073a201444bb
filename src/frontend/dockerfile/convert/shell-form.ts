import type { DockerImage } from "./docker-image.ts";

/** A command in shell form, as the arguments that the image's shell is started with. */
export function withShell({ config, platform }: DockerImage, command: readonly string[]): readonly string[] {
  const defaultShell = platform.os === "windows" ? ["cmd", "/S", "/C"] : ["/bin/sh", "-c"];
  return [...(config.shell.length > 0 ? config.shell : defaultShell), command.join(" ")];
}
