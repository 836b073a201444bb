import type { WarningEvent } from "./event.ts";

/** A warning on one line, as BuildKit's frontend writes it. */
export function warningText({ rule, message, location }: Pick<WarningEvent, "rule" | "message" | "location">): string {
  return `${rule === "" ? "" : `${rule}: `}${message}${location === undefined ? "" : ` (line ${location.startLine})`}`;
}

/** The same, read again: what other tools hand on is one text. */
export function parseWarningText(text: string): Pick<WarningEvent, "rule" | "message"> {
  const [, rule = "", message = text] = /^([A-Za-z]+): (.*?)(?: \(line \d+\))?$/s.exec(text) ?? [];
  return { rule, message };
}
