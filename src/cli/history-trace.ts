import { findRun, hasEnded, jaegerTrace } from "../doors/history.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history trace";

export const command: Command = {
  name: NAME,
  summary: "write where the time of a build went, for Jaeger",
  usage: `Usage: stemma history trace [flags] [REF]

Writes the steps of a build that has ended as a trace in Jaeger's JSON, which its user interface opens from a file. REF as for history inspect.

${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, ROOT_OPTION);
    if (positionals.length > 1) throw new UsageError(`${NAME}: takes one build, not ${positionals.length}`);
    return await withHistory(values.root, io, async (open) => {
      const builds = requireBuilds(open);
      io.stdout(jaegerTrace(builds.load(findRun(builds, positionals[0] ?? "", hasEnded).id).record));
    });
  },
};
