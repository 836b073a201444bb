import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { decodeDefinition, explainDifference, type Definition } from "../doors/llb.ts";
import type { Command, CommandIo } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "debug diff-llb",
  summary: "tell how two graphs of build steps differ",
  usage: `Usage: stemma debug diff-llb A B

Explains the first difference of two LLB definitions, as \`stemma debug dump-llb\` writes them.
The status is 0 if they are equal, 1 if they differ.`,
  async run(args, io) {
    const [a, b, ...more] = args;
    if (a === undefined || b === undefined || more.length > 0) throw new UsageError(`debug diff-llb takes two files, not ${args.length}`);
    const difference = explainDifference(await readDefinition(a, io), await readDefinition(b, io));
    io.stdout(`${difference ?? "the definitions are equal"}\n`);
    return difference === undefined ? EXIT.ok : EXIT.other;
  },
};

async function readDefinition(path: string, io: CommandIo): Promise<Definition> {
  return decodeDefinition(await readFile(resolve(io.cwd, path), { signal: io.signal }));
}
