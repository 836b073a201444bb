import { PlainText, SHORT_NAME_CHARACTERS } from "./plain.ts";
import type { ProgressDisplay } from "./tty.ts";

/** What the plain form is written to. */
export interface PlainOutput {
  readonly write: (text: string) => void;
  readonly now: () => Date;
  readonly names: "whole" | "short";
}

/** As in BuildKit: so that steps that begin together are shown one behind the other, and not each at each line. */
const WRITTEN_EVERY_MS = 100;
const LOOKED_AFTER_MS = 150;

/** Writes what happens in BuildKit's plain form: at once after a pause, together with what comes soon after otherwise. */
export function plainDisplay({ write, now, names }: PlainOutput): ProgressDisplay {
  const text = new PlainText({ write, ...(names === "short" ? { nameCharacters: SHORT_NAME_CHARACTERS } : {}) });
  let writtenAtMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    text.print(now());
    timer = setTimeout(look, LOOKED_AFTER_MS);
  };
  return {
    show(event) {
      const at = now();
      text.take(event, at);
      clearTimeout(timer);
      timer = setTimeout(look, LOOKED_AFTER_MS);
      if (at.getTime() - writtenAtMs < WRITTEN_EVERY_MS) return;
      writtenAtMs = at.getTime();
      text.print(at);
    },
    end() {
      clearTimeout(timer);
      text.finish(now());
    },
  };
}
