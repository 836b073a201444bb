import { findRun, hasEnded } from "../doors/history.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history rm";
const OPTIONS = { ...ROOT_OPTION, all: { type: "boolean", default: false } } as const;

export const command: Command = {
  name: NAME,
  summary: "remove records of builds",
  usage: `Usage: stemma history rm [flags] REF...

Removes records with their logs and attachments. Images, caches and what was published stay. A build that
still runs is refused.

      --all              every record of a build that has ended
${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (!values.all && positionals.length === 0) throw new UsageError("rm requires at least one argument");
    if (values.all && positionals.length > 0) throw new UsageError("rm requires either --all or at least one argument");
    return await withHistory(values.root, io, async (open) => {
      if (values.all && open === undefined) return;
      const builds = requireBuilds(open);
      const records = values.all ? builds.list().filter(hasEnded) : positionals.map((ref) => findRun(builds, ref));
      for (const { id } of records) await builds.remove(id);
    });
  },
};
