import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { runProcess } from "../../src/host/process.ts";
import { COMMAND, COMPILE_CACHE } from "../../src/testing/command-path.ts";

export const PROJECT: string = join(import.meta.dirname, "../..");

/** The code blocks of one language in a Markdown text, in their order. */
export function codeBlocks(markdown: string, language: string): readonly string[] {
  return [...markdown.matchAll(/^```(\S*)\n([^]*?)^```$/gm)].flatMap(([, found, code = ""]) => (found === language ? [code] : []));
}

export interface Shell {
  /** Runs a block as a reader would who types it in: stops at the first command that fails. */
  run(block: string): Promise<string>;
}

export interface ShellOptions {
  readonly directory: string;
  /** What every `stemma build` is given beside what the block says. */
  readonly buildFlags?: readonly string[];
}

/** A shell in a directory, with `stemma` and `node` on its search path as an installed package would have them. */
export async function openShell({ directory, buildFlags = [] }: ShellOptions): Promise<Shell> {
  const bin = join(directory, ".bin");
  await mkdir(bin);
  const command = `exec ${quoted([process.execPath, COMMAND])}`;
  await writeFile(join(bin, "stemma"), `#!/bin/sh\nif [ "$1" = build ]; then shift; ${command} build ${quoted(buildFlags)} "$@"; fi\n${command} "$@"\n`);
  await chmod(join(bin, "stemma"), 0o755);
  await symlink(process.execPath, join(bin, "node"));
  const env = { PATH: [bin, process.env["PATH"] ?? "", "/usr/sbin", "/sbin"].join(delimiter), HOME: directory, STEMMA_ROOT: join(directory, ".state"), ...COMPILE_CACHE };
  return {
    async run(block) {
      const { exitCode, stdout, stderr } = await runProcess({ argv: ["sh", "-eu"], cwd: directory, env, input: block }, AbortSignal.timeout(120_000));
      if (exitCode !== 0) throw new Error(`exit status ${exitCode} of\n${block}\n${stdout.toString()}${stderr.toString()}`);
      return stdout.toString();
    },
  };
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}
