import { plainRenderer } from "../progress/plain.ts";
import type { BuildEvent } from "../doors/build.ts";
import type { CommandIo } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Who shows events as `--progress=kind` wants them. Throws UsageError. */
export function progressRenderer(kind: string, io: CommandIo): (event: BuildEvent) => void {
  switch (kind) {
    case "auto":
    case "plain":
      return plainRenderer(io.stderr);
    case "quiet":
    case "none":
      return () => undefined;
    case "tty":
    case "rawjson":
      throw new UsageError(`--progress=${kind} is not supported yet: use auto, plain, quiet or none`);
    default:
      throw new UsageError(`--progress=${kind}: use auto, plain, quiet or none`);
  }
}

export function showsProgress(kind: string): boolean {
  return ["auto", "plain", "tty"].includes(kind);
}
