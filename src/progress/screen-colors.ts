import type { Emphasis } from "./screen.ts";

/** How a line is made to stand out; each gives the sequence before it, empty for none. */
export type Palette = Readonly<Record<Emphasis, string>>;

export const COLORLESS: Palette = { run: "", error: "", cancel: "", faint: "", none: "" };

const NAMES: Readonly<Record<string, string>> = {
  black: "30", red: "31", green: "32", yellow: "33", blue: "34", magenta: "35", cyan: "36", white: "37",
  "light-black": "90", "light-red": "91", "light-green": "92", "light-yellow": "93", "light-blue": "94", "light-magenta": "95", "light-cyan": "96", "light-white": "97",
};

/** `BUILDKIT_COLORS` as BuildKit reads it, `run=green:error=255,0,0`: what it cannot read is left at its default. */
export function palette(env: Readonly<Record<string, string | undefined>>): Palette {
  if ((env["NO_COLOR"] ?? "") !== "") return COLORLESS;
  const chosen = new Map((env["BUILDKIT_COLORS"] ?? "").split(":").flatMap((part): Array<[string, string]> => {
    const [key = "", value = ""] = part.split("=");
    const code = colorCode(value);
    return code === undefined ? [] : [[key, code]];
  }));
  const of = (key: string, fallback: string): string => `\u001b[${chosen.get(key) ?? fallback}m`;
  return { run: of("run", "34"), error: of("error", "31"), cancel: of("cancel", "33"), faint: "\u001b[2m", none: "" };
}

function colorCode(text: string): string | undefined {
  if (Object.hasOwn(NAMES, text)) return NAMES[text];
  const parts = text.split(",");
  return parts.length === 3 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255) ? `38;2;${parts.join(";")}` : undefined;
}
