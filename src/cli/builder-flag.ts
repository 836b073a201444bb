import type { Environment } from "../host/environment.ts";
import { UsageError } from "./usage-error.ts";

/** What a command line that was written for buildx calls the builder that needs no other: its own default, none, and us. */
const THIS_ONE: ReadonlySet<string> = new Set(["", "default", "stemma"]);
/** First words of the commands that take `--builder` in buildx. */
const COMMANDS_WITH_BUILDER: ReadonlySet<string> = new Set(["build", "du", "prune", "history", "imagetools", "policy"]);

export interface NamedBuilder {
  /** Undefined where none was named. */
  readonly builder: string | undefined;
  /** The rest. */
  readonly args: readonly string[];
}

/** Takes `--builder NAME` out of a command line, where it may stand anywhere, also before the command. Without a value it is left to whoever parses the rest. */
export function takeBuilder(argv: readonly string[]): NamedBuilder {
  const args: string[] = [];
  let builder: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? "";
    if (arg === "--") return { builder, args: [...args, ...argv.slice(i)] };
    if (arg.startsWith("--builder=")) builder = arg.slice("--builder=".length);
    else if (arg === "--builder" && i + 1 < argv.length) builder = argv[++i];
    else args.push(arg);
  }
  return { builder, args };
}

/**
 * Holds a command to the one builder that there is. A flag that names another is refused, with UsageError; a variable that does was set
 * for other programs too: what is to be said of that is returned.
 */
export function requireThisBuilder({ builder, args: [command = ""] }: NamedBuilder, env: Environment): string | undefined {
  if (!COMMANDS_WITH_BUILDER.has(command)) {
    if (builder !== undefined) throw new UsageError(`unknown flag: --builder of ${command}`);
    return undefined;
  }
  if (builder !== undefined) {
    if (!THIS_ONE.has(builder)) throw new UsageError(`--builder ${builder}: there are no builders beside this command, which builds by itself: leave the flag out, or use default; \`docker buildx\` uses builder ${builder}`);
    return undefined;
  }
  const named = env["BUILDX_BUILDER"] ?? "";
  return THIS_ONE.has(named) ? undefined : `WARNING: BUILDX_BUILDER names builder ${named}, which is not used: this command builds by itself. --builder default keeps this warning away`;
}
