import { findRun, parseEventLog } from "../doors/history.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { progressKind, withProgress } from "./progress-flag.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history logs";
const OPTIONS = { ...ROOT_OPTION, progress: { type: "string", default: "plain" } } as const;

export const command: Command = {
  name: NAME,
  summary: "print the log of a build again",
  usage: `Usage: stemma history logs [flags] [REF]

Prints what a build showed while it ran; of one that still runs, what there is by now. REF as for history inspect.

      --progress KIND    plain (default), tty, or rawjson: BuildKit's status as JSON lines
${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 1) throw new UsageError(`${NAME}: takes one build, not ${positionals.length}`);
    return await withHistory(values.root, io, async (open) => {
      const builds = requireBuilds(open);
      const { id, error } = findRun(builds, positionals[0] ?? "");
      const log = builds.log(id);
      const kind = progressKind(values.progress, io);
      // It is what was asked for, and so goes where results go.
      await withProgress(kind, { ...io, stderr: io.stdout }, async (show) => {
        for (const event of parseEventLog(log)) show(event);
      });
      // As it was shown when it failed.
      if (error !== null && kind !== "rawjson") io.stdout(`${error.report}ERROR: ${error.message}\n`);
    });
  },
};
