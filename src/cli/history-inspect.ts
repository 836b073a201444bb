import { findRun, inspectText } from "../doors/history.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history inspect";
const OPTIONS = { ...ROOT_OPTION, format: { type: "string", default: "pretty" } } as const;

export const command: Command = {
  name: NAME,
  summary: "show a build: its steps, why each ran or did not, and what came of it",
  usage: `Usage: stemma history inspect [flags] [REF]

Shows a build. REF is its ref or id, the beginning of its id, or ^N for the Nth before the last; the last build where it is left out.

      --format FORMAT    pretty (default), json, or a Go template over the members of the JSON
${ROOT_HELP}

docs/history.md tells what the reasons mean.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 1) throw new UsageError(`${NAME}: takes one build, not ${positionals.length}`);
    return await withHistory(values.root, io, async (builds) => {
      const known = requireBuilds(builds);
      const record = findRun(known, positionals[0] ?? "");
      io.stdout(inspectText({ record, log: known.log(record.id) }, { format: values.format, cwd: io.cwd }));
    });
  },
};
