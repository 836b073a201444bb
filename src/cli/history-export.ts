import { resolve } from "node:path";
import { findRun, hasEnded, type BuildHistory } from "../doors/history.ts";
import { writeArchive } from "../doors/history-files.ts";
import { writePath } from "../host/write-path.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history export";
const OPTIONS = { ...ROOT_OPTION, all: { type: "boolean", default: false }, output: { type: "string", short: "o" }, finalize: { type: "boolean" } } as const;

export const command: Command = {
  name: NAME,
  summary: "write records of builds into a file, for another machine",
  usage: `Usage: stemma history export [flags] [REF...]

Writes builds with their logs and attachments into one file in the form of buildx's .dockerbuild, for stemma history import or Docker
Desktop.

      --all              every build that has ended
  -o, --output FILE      where to write; - is standard output, and so is nothing where that is no terminal
      --finalize         for buildx's sake: every record is whole from the start
${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    const { all, output } = values;
    if (output === undefined && io.isStdoutTerminal) throw new UsageError(`${NAME}: refusing to write to console, use --output to specify a file`);
    if (all && positionals.length > 0) throw new UsageError(`${NAME}: --all goes without builds`);
    return await withHistory(values.root, io, async (open) => {
      const builds = requireBuilds(open);
      const ids = all ? builds.list().filter(hasEnded).map(({ id }) => id) : (positionals.length === 0 ? [""] : positionals).map((ref) => findRun(builds, ref, hasEnded).id);
      const archive = writeArchive(loaded(builds, [...new Set(ids)]));
      if (output !== undefined && output !== "-") return await writePath(resolve(io.cwd, output), archive, io.signal);
      for await (const chunk of archive) await io.streamOut(chunk);
    });
  },
};

/** One at a time: a history may be larger than memory. */
function* loaded(builds: BuildHistory, ids: readonly string[]): Generator<ReturnType<BuildHistory["load"]>> {
  for (const id of ids) yield builds.load(id);
}
