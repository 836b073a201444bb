import { createInterface } from "node:readline/promises";
import { openStore, parseSize, prune, prunedText, flagFilter, type UsageRecord } from "../doors/store.ts";
import { systemClock } from "../host/clock.ts";
import { eachUntilAborted } from "../host/until-aborted.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command, CommandIo } from "./command.ts";
import { FILTER_HELP } from "./du.ts";
import { EXIT } from "./exit-code.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { ROOT_HELP, ROOT_OPTION } from "./with-history.ts";

const NAME = "prune";
const OPTIONS = {
  ...ROOT_OPTION,
  all: { type: "boolean", short: "a", default: false },
  filter: { type: "string", multiple: true },
  force: { type: "boolean", short: "f", default: false },
  "max-used-space": { type: "string" },
  "min-free-space": { type: "string" },
  "reserved-space": { type: "string" },
  "keep-storage": { type: "string" },
  timeout: { type: "string" },
  verbose: { type: "boolean", default: false },
} as const;

/** buildx's words. */
const WARNING = { dangling: "WARNING! This will remove all dangling build cache. Are you sure you want to continue?", all: "WARNING! This will remove all build cache. Are you sure you want to continue?" } as const;
const DEPRECATED = "Flag --keep-storage has been deprecated, keep-storage flag has been changed to reserved-space";

export const command: Command = {
  name: NAME,
  summary: "make room: take away what builds left in the store",
  usage: `Usage: stemma prune [flags]

Takes away what builds left and no build uses; with a bound, what was not used for long and not often goes first. What a running build uses stays, and what
is taken away is made again when it is needed. Images and files that were written elsewhere, and the history, stay.

  -a, --all                   also blobs and images of frontends, not only layers, cache mounts and Git mirrors
${FILTER_HELP}
  -f, --force                 do not ask
      --max-used-space SIZE   no more than this is kept: 10GB, 512MB
      --min-free-space SIZE   until so much of the disk is free
      --reserved-space SIZE   so much is kept in any case
      --verbose               all that is known of each
${ROOT_HELP}

docs/store.md tells more.`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`${NAME}: takes no argument`);
    const keptBytes = bytes("keep-storage", values["keep-storage"]);
    if (values["keep-storage"] !== undefined) io.stderr(`${DEPRECATED}\n`);
    const nowMs = systemClock.now().getTime();
    const policy = {
      all: values.all, passes: flagFilter(values.filter ?? [], nowMs), maxUsedBytes: bytes("max-used-space", values["max-used-space"]),
      minFreeBytes: bytes("min-free-space", values["min-free-space"]), reservedBytes: values["reserved-space"] === undefined ? keptBytes : bytes("reserved-space", values["reserved-space"]),
    };
    if (!values.force && !(await agrees(values.all ? WARNING.all : WARNING.dangling, io))) return EXIT.ok;
    await using store = await openStore(stateRoot(values.root, io));
    const removed: UsageRecord[] = [];
    if (store !== undefined) await prune(store, policy, (record) => void removed.push(record), io.signal);
    io.stdout(prunedText(removed, { verbose: values.verbose, nowMs }));
    return EXIT.ok;
  },
};

function bytes(flag: string, text: string | undefined): number {
  const size = text === undefined ? 0 : parseSize(text);
  if (size !== undefined) return size;
  const [, suffix] = /^\d+(?:\.\d+)? ?([A-Za-z]+)$/.exec(text ?? "") ?? [];
  throw new UsageError(`invalid argument ${JSON.stringify(text)} for "--${flag}" flag: invalid ${suffix === undefined ? `size: '${text}'` : `suffix: '${suffix}'`}`);
}

async function agrees(question: string, { stdin, stderr, signal }: CommandIo): Promise<boolean> {
  stderr(`${question} [y/N] `);
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of eachUntilAborted(lines, signal)) return /^y(?:es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
