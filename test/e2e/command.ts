import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess, type ProcessResult } from "../../src/host/process.ts";

const COMMAND = join(import.meta.dirname, "../../src/cli/dev.ts");

export interface CommandRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place for one test: state, home and working directory of its own, gone at the end. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  /** The command as a user runs it, in a process of its own. */
  stemma(args: readonly string[], options?: PlaceOptions): Promise<CommandRun>;
  /** The same for other people's tools. Throws when they fail. */
  run(argv: readonly [string, ...string[]], options?: PlaceOptions): Promise<string>;
}

export interface PlaceOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export async function openPlace(): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), "stemma-e2e-"));
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, HOME: path, XDG_DATA_HOME: join(path, "data") };
  const run = async (argv: readonly [string, ...string[]], options: PlaceOptions = {}): Promise<ProcessResult> =>
    await runProcess({ argv, cwd: options.cwd ?? path, env: { ...env, ...options.env }, ...(options.input === undefined ? {} : { input: options.input }) }, options.signal ?? new AbortController().signal);
  return {
    path,
    async stemma(args, options) {
      const { exitCode, stdout, stderr } = await run([process.execPath, COMMAND, ...args], options);
      return { exitCode, stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
    },
    async run(argv, options) {
      const { exitCode, stdout, stderr } = await run(argv, options);
      if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stdout.toString("utf8")}${stderr.toString("utf8")}`);
      return stdout.toString("utf8");
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
