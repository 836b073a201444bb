import { diskUsage, openStore, TemplateError, flagFilter, usageText } from "../doors/store.ts";
import { systemClock } from "../host/clock.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { ROOT_HELP, ROOT_OPTION } from "./with-history.ts";

const NAME = "du";
const OPTIONS = { ...ROOT_OPTION, filter: { type: "string", multiple: true }, format: { type: "string" }, verbose: { type: "boolean", default: false } } as const;

/** Shared with prune. */
export const FILTER_HELP = `      --filter FILTER         until=24h (not used for so long), id, parents, description, type with = != ~=, or inuse, mutable,
                              immutable, shared, private. May be repeated: all must pass. Types: regular (layers), frontend
                              (layers of their images), internal (blobs), exec.cachemount, source.git.checkout`;

export const command: Command = {
  name: NAME,
  summary: "tell what the store takes on the disk",
  usage: `Usage: stemma du [flags]

Lists what builds left in the store and could make again. * marks what steps write into.

${FILTER_HELP}
      --format FORMAT         table (default), pretty, json, or a Go template over .ID .Size .Type and the other members of the JSON; in
                              columns: 'table {{.ID}}\\t{{.Type}}'
      --verbose               the same as --format pretty: all that is known of each
${ROOT_HELP}

docs/store.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`${NAME}: takes no argument`);
    const { format = "", filter = [], verbose } = values;
    if (verbose && format !== "") throw new UsageError(`--format and --verbose cannot be used together`);
    const nowMs = systemClock.now().getTime();
    const passes = flagFilter(filter, nowMs);
    await using store = await openStore(stateRoot(values.root, io));
    const records = store === undefined ? [] : await diskUsage(store);
    try {
      io.stdout(usageText(records.filter(passes), { format: verbose ? "pretty" : format, isFiltered: filter.length > 0, nowMs }));
    } catch (error) {
      throw error instanceof TemplateError ? new UsageError(error.message) : error;
    }
    return EXIT.ok;
  },
};
