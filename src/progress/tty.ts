import type { BuildEvent } from "./event.ts";
import { visible, ScreenState } from "./screen-state.ts";
import type { Palette } from "./screen-colors.ts";
import { joinGroups } from "./step-groups.ts";
import { screenLines, type ScreenLine, type ScreenOptions, type ScreenSize } from "./screen.ts";

/** A terminal and what else a screen depends on. */
export interface Terminal {
  readonly write: (text: string) => void;
  /** Asked at each repainting: windows change. */
  readonly size: () => ScreenSize;
  readonly now: () => Date;
  readonly palette: Palette;
  readonly tailLines: number;
}

/** Shows events as they come. */
export interface ProgressDisplay {
  show(event: BuildEvent): void;
  /** Nothing is shown after it. Whatever happened, it leaves the terminal as it was found. */
  end(): void;
}

/** Milliseconds between two paintings: often enough for a clock, seldom enough for a slow line. */
const REPAINT_MS = 100;

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const ERASE_BELOW = "\u001b[J";
const ERASE_REST = "\u001b[K";
const RESET = "\u001b[0m";

/** Steps side by side with their times, painted over and over in the same place. */
export function ttyDisplay(terminal: Terminal): ProgressDisplay {
  const state = new ScreenState();
  const take = joinGroups((event) => state.take(event));
  const held: string[] = [];
  let painted = 0;
  const back = (): string => (painted === 0 ? "\r" : `\u001b[${painted}A\r`);
  const paint = (kind: ScreenOptions["kind"]): void => {
    const { size, now, tailLines } = terminal;
    const lines = screenLines(state, { size: size(), now: now(), tailLines, kind });
    terminal.write(`${back()}${lines.map((line) => `${emphasized(line, terminal.palette)}${ERASE_REST}\n`).join("")}${ERASE_BELOW}`);
    painted = lines.length;
  };
  terminal.write(HIDE_CURSOR);
  const timer = setInterval(() => paint("running"), REPAINT_MS);
  return {
    show(event) {
      if (event.kind !== "notice") return take(event);
      const text = `${event.message.split("\n").map(visible).join("\n")}\n`;
      // What is said when all is done belongs to the last lines.
      if (!state.isRunning) return void held.push(text);
      terminal.write(`${back()}${ERASE_BELOW}${text}`);
      painted = 0;
    },
    end() {
      clearInterval(timer);
      state.finish();
      if (state.startedAt !== undefined) paint("final");
      terminal.write(`${held.join("")}${SHOW_CURSOR}`);
    },
  };
}

function emphasized({ text, emphasis }: ScreenLine, palette: Palette): string {
  const before = palette[emphasis];
  return before === "" ? text : `${before}${text}${RESET}`;
}
