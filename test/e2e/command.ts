import { mkdtemp, rm } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { runCommandLine } from "../../src/cli/main.ts";
import { runProcess, startProcess, type ProcessResult, type RunningProcess } from "../../src/host/process.ts";
import { COMMAND, COMPILE_CACHE } from "../../src/testing/command-path.ts";

export interface CommandRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A place for one test: state, home and working directory of its own, gone at the end with whatever of it still runs. */
export interface Place extends AsyncDisposable {
  readonly path: string;
  /** The command as a user runs it, in a process of its own. */
  stemma(args: readonly string[], options?: PlaceOptions): Promise<CommandRun>;
  /** The same in this process, where one of its own would show nothing more: to start it and to load the engine takes longer than most of what a test asks of it. */
  stemmaHere(args: readonly string[], options?: HereOptions): Promise<CommandRun>;
  /** The same, to be disturbed while it runs. */
  start(args: readonly string[], options?: PlaceOptions): StartedCommand;
  /** The same for other people's tools. Throws when they fail. */
  run(argv: readonly [string, ...string[]], options?: PlaceOptions): Promise<string>;
}

export interface StartedCommand {
  /** Resolves once standard error has shown this. Throws when the command has ended without, or does not come to it. */
  shown(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly pid: number;
  /** By a signal: 128 and its number, as shells say it. */
  readonly ended: Promise<CommandRun>;
}

export interface PlaceOptions {
  /** What the command is started with, such as `setpriv`; nothing where not given. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export type HereOptions = Omit<PlaceOptions, "wrapper">;

export async function openPlace(): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), "stemma-e2e-"));
  // Whatever the command starts inherits this path, and can be told by it.
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:${join(path, "bin")}`, HOME: path, XDG_DATA_HOME: join(path, "data"), ...COMPILE_CACHE };
  const commandLine = (args: readonly string[], { wrapper = [] }: PlaceOptions = {}): readonly [string, ...string[]] => {
    const [first, ...rest] = [...wrapper, process.execPath, COMMAND, ...args];
    return [first ?? process.execPath, ...rest];
  };
  // A test that failed half-way, or took too long, leaves what it waited for, such as a step that is held: it would keep the file from its end.
  const closed = new AbortController();
  const run = async (argv: readonly [string, ...string[]], options: PlaceOptions = {}): Promise<ProcessResult> =>
    await runProcess({ argv, cwd: options.cwd ?? path, env: { ...env, ...options.env }, ...(options.input === undefined ? {} : { input: options.input }) }, AbortSignal.any([closed.signal, ...(options.signal === undefined ? [] : [options.signal])]));
  return {
    path,
    async stemma(args, options) {
      const { exitCode, stdout, stderr } = await run(commandLine(args, options), options);
      return { exitCode, stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
    },
    async stemmaHere(args, { env: more, cwd = path, input = "", signal = closed.signal } = {}) {
      const written = { stdout: [] as Buffer[], stderr: "" };
      const exitCode = await runCommandLine(args, {
        stdin: Readable.from(Buffer.from(input)),
        stdout: (part) => void written.stdout.push(Buffer.from(part)),
        streamOut: async (part) => void written.stdout.push(Buffer.from(part)),
        stderr: (text) => void (written.stderr += text),
        terminal: undefined, isStdoutTerminal: false, env: { ...env, ...more }, cwd, signal: AbortSignal.any([closed.signal, signal]),
      });
      return { exitCode, stdout: Buffer.concat(written.stdout).toString("utf8"), stderr: written.stderr };
    },
    start(args, options = {}) {
      const child = startProcess({ argv: commandLine(args, options), cwd: options.cwd ?? path, env: { ...env, ...options.env } }, ["ignore", "pipe", "pipe"]);
      closed.signal.addEventListener("abort", () => void child.kill("SIGKILL"));
      return follow(child);
    },
    async run(argv, options) {
      const { exitCode, stdout, stderr } = await run(argv, options);
      if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stdout.toString("utf8")}${stderr.toString("utf8")}`);
      return stdout.toString("utf8");
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new Error("the test's place is gone"));
      await rm(path, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

const SHOWN_MS_MAX = 120_000;

function follow(child: RunningProcess): StartedCommand {
  let [stdout, stderr, hasEnded] = ["", "", false];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<CommandRun>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      hasEnded = true;
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout, stderr });
    });
  });
  return {
    ended,
    pid: child.pid ?? -1,
    kill: (signal) => void child.kill(signal),
    async shown(pattern) {
      for (let waitedMs = 0; !pattern.test(stderr); waitedMs += 10) {
        if (hasEnded || waitedMs > SHOWN_MS_MAX) throw new Error(`${pattern} was not shown:\n${stderr}`);
        await delay(10);
      }
    },
  };
}
