import { noBuilds, openHistory, TemplateError, type BuildHistory } from "../doors/history.ts";
import type { CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";

/** What every command over the history takes. */
export const ROOT_OPTION = { root: { type: "string" } } as const;
export const ROOT_HELP = "      --root DIRECTORY   where state is kept (default: $STEMMA_ROOT, else the user's data directory)";

/** Opens the history of the root that a command names. Without one there is nothing to show: `use` gets undefined. */
export async function withHistory(root: string | undefined, io: CommandIo, use: (builds: BuildHistory | undefined) => Promise<void>): Promise<number> {
  await using history = openHistory(stateRoot(root, io));
  try {
    await history?.builds.settle();
    await use(history?.builds);
    return EXIT.ok;
  } catch (error) {
    throw error instanceof TemplateError ? new UsageError(error.message) : error;
  }
}

/** For what needs a build to be there. */
export function requireBuilds(builds: BuildHistory | undefined): BuildHistory {
  if (builds === undefined) throw noBuilds();
  return builds;
}
