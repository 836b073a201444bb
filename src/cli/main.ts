import { readFileSync } from "node:fs";
import { findPackageJson } from "../host/package-json.ts";
import { boundYoungHeap } from "../host/young-heap.ts";
import { requireThisBuilder, takeBuilder, type NamedBuilder } from "./builder-flag.ts";
import type { CommandIo } from "./command.ts";
import { COMMANDS, findCommand } from "./commands.ts";
import { EXIT } from "./exit-code.ts";
import { explainFailure, stacksOf } from "./failure.ts";

/** Runs the command line of this process and sets its exit status. */
export async function main(): Promise<void> {
  boundYoungHeap();
  const interrupted = new AbortController();
  const interrupt = (): void => {
    // A second Ctrl-C gets its default back, for who cannot wait.
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    interrupted.abort(new InterruptedError());
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that went away (`| head`) is no failure of ours to report.
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    process.stderr.write(`ERROR: standard output: ${error.message}\n`);
    process.exit(EXIT.storage);
  });
  // Whoever does not want to hear of the build may still want its result.
  process.stderr.on("error", () => undefined);
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    // Whoever only asks for it keeps the process from its end.
    get stdin() {
      return process.stdin;
    },
    stdout: (text) => void process.stdout.write(text),
    streamOut: (chunk) => new Promise((resolve) => process.stdout.write(chunk, () => resolve())),
    stderr: (text) => void process.stderr.write(text),
    terminal: process.stderr.isTTY ? () => ({ columns: process.stderr.columns, rows: process.stderr.rows }) : undefined,
    isStdoutTerminal: process.stdout.isTTY,
    env: process.env,
    // As above: only who asks for it needs it to be there.
    get cwd() {
      return workingDirectory();
    },
    signal: interrupted.signal,
  });
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  // What still waits for a reader that takes no more would keep an interrupted process from its end.
  if (interrupted.signal.aborted && process.stdout.writableLength > 0) process.exit();
}

function workingDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new NoDirectoryError();
  }
}

class NoDirectoryError extends Error {
  override readonly name = "NoDirectoryError";
  readonly code = "missing-input";
  readonly retryable = false;

  constructor() {
    super("the working directory is not there any more: change to another one");
  }
}

export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
  readonly code = "interrupted";
  readonly retryable = true;

  constructor() {
    super("interrupted");
  }
}

/** All of the command but what a process has by itself. Returns the exit status. */
export async function runCommandLine(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    io.stdout(overview());
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  if (first === "--version" || first === "version") {
    io.stdout(`stemma ${version()}\n`);
    return EXIT.ok;
  }
  const named = takeBuilder(argv);
  const found = findCommand(named.args);
  if (found === undefined) {
    io.stderr(`stemma: unknown command ${JSON.stringify(argv.slice(0, 2).join(" "))}; there is ${Object.keys(COMMANDS).join(", ")}\n`);
    return EXIT.usage;
  }
  return await runFound(found, named, io);
}

async function runFound({ row, args }: NonNullable<ReturnType<typeof findCommand>>, named: NamedBuilder, io: CommandIo): Promise<number> {
  const command = await row.load();
  if (args.includes("--help") || args.includes("-h")) {
    io.stdout(`${command.usage}\n`);
    return EXIT.ok;
  }
  try {
    const notice = requireThisBuilder(named, io.env);
    if (notice !== undefined) io.stderr(`${notice}\n`);
    return await command.run(args, io);
  } catch (error) {
    const { message, exitCode } = explainFailure(error);
    const isTraced = args.some((arg) => arg === "-D" || arg === "--debug" || arg === "--debug=true");
    // A flag that is refused may have held a secret.
    const { scrubText } = await import("../doors/scrub.ts");
    io.stderr(`${scrubText(isTraced ? `${message}\n${stacksOf(error)}` : message)}\n`);
    return exitCode;
  }
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `stemma builds container images, records how each came to be, and walks that record backwards.\n\nUsage: stemma COMMAND [flags]\n\n${rows.join("\n")}\n\n\`stemma COMMAND --help\` tells more.\n`;
}

function version(): string {
  return String((JSON.parse(readFileSync(findPackageJson(import.meta.url), "utf8")) as { version: unknown }).version);
}
