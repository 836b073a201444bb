import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "../host/process.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import { smallestProgram } from "./smallest-program.ts";

/** An emulator under load takes some time to start. */
const PATIENCE_MS = 20_000;

/** Whether the kernel starts programs of an architecture, by itself or by an emulator; undefined where that cannot be tried. */
export type RunsPrograms = (architecture: string) => Promise<boolean | undefined>;

/**
 * Starts the smallest program of an architecture, once. It says more than the kernel's list of emulators: in a container that list is mostly not mounted, an emulator may
 * have any name, and a kernel may have been built without what its processor could.
 */
export function runsPrograms(workspace: Pick<Workspace, "claim" | "discard">): RunsPrograms {
  const tried = new Map<string, Promise<boolean | undefined>>();
  return (architecture) => {
    const known = tried.get(architecture) ?? tryIn(workspace, architecture);
    tried.set(architecture, known);
    return known;
  };
}

async function tryIn(workspace: Pick<Workspace, "claim" | "discard">, architecture: string): Promise<boolean | undefined> {
  const program = smallestProgram(architecture);
  if (program === undefined) return undefined;
  const directory = workspace.claim();
  try {
    const path = join(directory, "program");
    await writeFile(path, program, { mode: 0o700 });
    return await runs(path);
  } finally {
    await workspace.discard(directory);
  }
}

async function runs(path: string): Promise<boolean | undefined> {
  try {
    // What the kernel does not know is handed to a shell, to which it is no script.
    return (await runProcess({ argv: [path], env: {} }, AbortSignal.timeout(PATIENCE_MS))).exitCode === 0;
  } catch (error) {
    // No such interpreter, or no program of a kind that is known; of anything else, such as a file system without programs, nothing follows.
    return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOEXEC") ? false : undefined;
  }
}
