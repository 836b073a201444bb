import type { BuildEvent } from "../doors/build.ts";
import { systemClock } from "../host/clock.ts";
import { plainDisplay } from "../progress/plain-display.ts";
import { rawJsonRenderer } from "../progress/raw-json.ts";
import { palette } from "../progress/screen-colors.ts";
import type { ProgressDisplay } from "../progress/tty.ts";
import type { CommandIo } from "./command.ts";
import { UsageError } from "./usage-error.ts";

export type { ProgressDisplay } from "../progress/tty.ts";

/** What `--progress` leads to. */
export type ProgressKind = "plain" | "tty" | "rawjson" | "quiet";

/** BuildKit's default for `BUILDKIT_TTY_LOG_LINES`. */
const TAIL_LINES = 6;

/** `auto` is a screen where there is a terminal for it. Throws UsageError. */
export function progressKind(text: string, { terminal, env }: Pick<CommandIo, "terminal" | "env">): ProgressKind {
  switch (text) {
    case "auto":
    case "":
      return terminal === undefined || env["TERM"] === "dumb" ? "plain" : "tty";
    case "tty":
      if (terminal === undefined) throw new UsageError("--progress=tty: failed to get console: provided file is not a console; use plain, or auto for either");
      return "tty";
    case "none":
      return "quiet";
    case "plain":
    case "rawjson":
    case "quiet":
      return text;
    default:
      throw new UsageError(`invalid progress mode ${text}: use auto, plain, tty, rawjson, quiet or none`);
  }
}

/** Who shows events on standard error. */
export async function progressDisplay(kind: ProgressKind, { stderr, terminal, env }: CommandIo): Promise<ProgressDisplay> {
  switch (kind) {
    case "plain":
      return plainDisplay({ write: stderr, now: () => systemClock.now(), names: env["PROGRESS_NO_TRUNC"] === "0" ? "short" : "whole" });
    case "rawjson":
      return { show: rawJsonRenderer(stderr), end: nothing };
    case "quiet":
      return { show: nothing, end: nothing };
    case "tty": {
      if (terminal === undefined) throw new UsageError("--progress=tty: there is no terminal");
      // To measure text takes tables that 40 ms go into; only a screen needs them.
      const { ttyDisplay } = await import("../progress/tty.ts");
      return ttyDisplay({ write: stderr, size: terminal, now: () => systemClock.now(), palette: palette(env), tailLines: tailLines(env["BUILDKIT_TTY_LOG_LINES"]) });
    }
  }
}

/** Runs `work` with a display that ends with it, however that goes. */
export async function withProgress<T>(kind: ProgressKind, io: CommandIo, work: (show: (event: BuildEvent) => void) => Promise<T>): Promise<T> {
  const display = await progressDisplay(kind, io);
  try {
    return await work((event) => display.show(event));
  } finally {
    display.end();
  }
}

function tailLines(text: string | undefined): number {
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : TAIL_LINES;
}

function nothing(): void {
  // Nobody wants to see it.
}
