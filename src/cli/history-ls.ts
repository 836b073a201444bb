import { listText, recordFilter, repositoryHere } from "../doors/history.ts";
import { systemClock } from "../host/clock.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history ls";
const OPTIONS = { ...ROOT_OPTION, filter: { type: "string", multiple: true }, format: { type: "string", default: "table" }, "no-trunc": { type: "boolean", default: false }, local: { type: "boolean" } } as const;

export const command: Command = {
  name: NAME,
  summary: "list the builds that run or were run",
  usage: `Usage: stemma history ls [flags]

Lists builds, the newest first: those that run now, came to their end, failed, were stopped, or were killed.

      --filter FILTER    ref, repository, status (running, completed, error, canceled, interrupted) with = != ~=, where a part of a ref or a repository is enough for =; startedAt,
                         completedAt, duration with < <= > >= =: status=error, duration>1m, startedAt>24h (a duration is so long ago). May be repeated
      --format FORMAT    table (default), json, or a Go template over .Ref .FullRef .Name .Status .CreatedAt .Duration; in columns: 'table {{.Ref}}\\t{{.Name}}'
      --local            builds of the repository that the working directory is in
      --no-trunc         whole names, where they are in columns
${ROOT_HELP}

docs/history.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`${NAME}: takes no argument`);
    const nowNs = systemClock.nowNs();
    const here = values.local === true ? [`repository=${await repositoryHere(io.cwd, io.env, io.signal)}`] : [];
    const test = recordFilter([...here, ...(values.filter ?? [])], nowNs);
    return await withHistory(values.root, io, async (builds) => {
      const records = (builds?.list() ?? []).filter(test);
      io.stdout(listText(records, { format: values.format, noTrunc: values["no-trunc"], nowNs }));
    });
  },
};
