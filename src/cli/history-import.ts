import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { HistoryError } from "../doors/history.ts";
import { readArchive } from "../doors/history-files.ts";
import { makeDirectories } from "../host/make-directories.ts";
import { parseCommandLine } from "./command-line.ts";
import type { Command } from "./command.ts";
import { standardInput } from "./standard-input.ts";
import { stateRoot } from "./state-root.ts";
import { UsageError } from "./usage-error.ts";
import { requireBuilds, ROOT_HELP, ROOT_OPTION, withHistory } from "./with-history.ts";

const NAME = "history import";
const OPTIONS = { ...ROOT_OPTION, file: { type: "string", short: "f", multiple: true } } as const;

export const command: Command = {
  name: NAME,
  summary: "take in records of builds from a file",
  usage: `Usage: stemma history import [flags] [-f FILE]...

Takes in what stemma history export, or docker buildx history export, wrote. Builds that are there stay as they are.

  -f, --file FILE        where to read; - or nothing is standard input
${ROOT_HELP}`,
  async run(args, io) {
    const { values, positionals } = parseCommandLine(NAME, args, OPTIONS);
    if (positionals.length > 0) throw new UsageError(`${NAME}: name files with --file`);
    const open = (path: string): AsyncIterable<Uint8Array> => (path === "-" ? standardInput(io) : createReadStream(resolve(io.cwd, path)));
    // All of them are read before anything is taken in.
    const runs = (await Promise.all((values.file ?? ["-"]).map(async (path) => await readNamed(path, open(path))))).flat();
    await makeDirectories(stateRoot(values.root, io), 0o700);
    return await withHistory(values.root, io, async (history) => {
      const builds = requireBuilds(history);
      for (const run of runs) io.stdout(`${run.record.ref}${(await builds.save(run)) ? "" : " was there"}\n`);
    });
  },
};

async function readNamed(path: string, bytes: AsyncIterable<Uint8Array>): Promise<Awaited<ReturnType<typeof readArchive>>> {
  try {
    return await readArchive(bytes);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    throw new HistoryError(error.code, `${path === "-" ? "standard input" : path}: ${error.message}`, { cause: error });
  }
}
