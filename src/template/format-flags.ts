/** What stands between the percent sign and the verb. */
export interface FormatFlags {
  readonly minus: boolean;
  readonly plus: boolean;
  readonly sharp: boolean;
  readonly space: boolean;
  readonly zero: boolean;
  readonly width?: number;
  readonly precision?: number;
  /** `%+v`: names of fields. */
  readonly plusV: boolean;
  /** `%#v`: Go syntax. */
  readonly sharpV: boolean;
}

export const NO_FLAGS: FormatFlags = { minus: false, plus: false, sharp: false, space: false, zero: false, plusV: false, sharpV: false };

/** To the width, in characters. Zeros go left, and never right of the text. */
export function pad(text: string, { width = 0, minus, zero }: FormatFlags): string {
  const missing = width - Array.from(text).length;
  if (missing <= 0) return text;
  if (minus) return text + " ".repeat(missing);
  return (zero ? "0" : " ").repeat(missing) + text;
}
