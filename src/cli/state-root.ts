import { join, resolve } from "node:path";
import type { CommandIo } from "./command.ts";
import { UsageError } from "./usage-error.ts";

/** Where state is kept: `--root`, else STEMMA_ROOT, else `stemma` in the user's data directory (XDG Base Directory). */
export function stateRoot(flag: string | undefined, { env, cwd }: Pick<CommandIo, "env" | "cwd">): string {
  const named = flag ?? env["STEMMA_ROOT"];
  if (named !== undefined && named !== "") return resolve(cwd, named);
  const data = env["XDG_DATA_HOME"] || (env["HOME"] ? join(env["HOME"], ".local", "share") : undefined);
  if (data === undefined) throw new UsageError("there is no place for state: set HOME, XDG_DATA_HOME or STEMMA_ROOT, or give --root");
  return join(data, "stemma");
}
