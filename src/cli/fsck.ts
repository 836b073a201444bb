import { checkStore } from "../doors/store.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { ROOT_HELP, ROOT_OPTION } from "./with-history.ts";

const NAME = "fsck";
const OPTIONS = { ...ROOT_OPTION, repair: { type: "boolean", default: false } } as const;

export const command: Command = {
  name: NAME,
  summary: "check the store for damage, and take away what is damaged",
  usage: `Usage: stemma fsck [flags]

Reads all that builds left: the digest of each blob, each layer with its index and its tree, the database and what it speaks of, the
history. Tells what is not as it was written; the exit status is then 1.

      --repair           take away what is damaged: the next build makes it anew. What a build uses is left
${ROOT_HELP}

docs/store.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`${NAME}: takes no argument`);
    const { checked, found, repaired } = await checkStore(stateRoot(values.root, io), { repair: values.repair }, ({ kind, name, problem, repaired: isRepaired }) => {
      io.stdout(`${kind} ${name}: ${problem}${values.repair ? (isRepaired ? ": taken away" : ": left, a process uses it") : ""}\n`);
    }, io.signal);
    io.stdout(`${checked.blobs} blobs, ${checked.layers} layers, ${checked.records} records, ${checked.builds} builds: ${found === 0 ? "no damage" : `${found} damaged${values.repair ? `, ${repaired} taken away` : ""}`}\n`);
    return found === repaired ? EXIT.ok : EXIT.other;
  },
};
