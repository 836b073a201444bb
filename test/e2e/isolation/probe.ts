import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** For node:test: the reason to skip what needs more than a shell, or false. */
export const compilerSkip: string | false = spawnSync("cc", ["--version"]).status === 0 ? false : "a C compiler is not installed";


export interface Probe {
  /** The program, for a tree. */
  readonly bytes: Uint8Array;
  /** Runs it on this machine, through `wrapper` if there is one, as the control that shows that the attack is one. */
  readonly here: (words: readonly string[], wrapper?: readonly string[]) => string;
}

export function compileProbe(folder: string): Probe {
  const program = join(folder, "probe");
  const { status, stderr } = spawnSync("cc", ["-static", "-O1", "-o", program, join(import.meta.dirname, "probe.c")], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return {
    bytes: readFileSync(program),
    here(words, wrapper = []) {
      const [command, ...args] = [...wrapper, program, ...words];
      return spawnSync(command ?? program, args, { encoding: "utf8" }).stdout.trim();
    },
  };
}
