import { cut, parseBool, quote, trimSpace } from "./go-text.ts";

/** What the `# check=` directive, a `check=` comment or the build option of that name asks of the linter. */
export interface CheckOptions {
  readonly skipAll: boolean;
  readonly skip: readonly string[];
  readonly experimentalAll: boolean;
  readonly experimental: readonly string[];
  /** Findings fail the build. */
  readonly error: boolean;
}

/** Options that cannot be read; the message is BuildKit's. */
export class CheckOptionError extends Error {
  override readonly name = "CheckOptionError";
  readonly code = "invalid-check-option";

  get retryable(): boolean {
    return false;
  }
}

/** There are three options, so what follows a second `;` belongs to the third. */
const MAX_OPTIONS = 3;

/** Reads `skip=A,B;error=true;experimental=all`. Throws CheckOptionError. */
export function parseCheckOptions(text: string): CheckOptions {
  const options = { skipAll: false, skip: [] as readonly string[], experimentalAll: false, experimental: [] as readonly string[], error: false };
  const trimmed = trimSpace(text);
  if (trimmed === "") return options;
  for (const option of splitAtMost(trimmed, MAX_OPTIONS)) {
    const { before, after, found } = cut(option, "=");
    if (!found) throw new CheckOptionError(`invalid check option ${quote(option)}`);
    const key = trimSpace(before);
    const value = trimSpace(after);
    const rules = value.split(",").map(trimSpace);
    if (key === "skip") Object.assign(options, value === "all" ? { skipAll: true } : { skip: rules });
    else if (key === "experimental") Object.assign(options, value === "all" ? { experimentalAll: true } : { experimental: rules });
    else if (key === "error") options.error = boolean(value, option);
    else throw new CheckOptionError(`invalid check option ${quote(key)}`);
  }
  return options;
}

function splitAtMost(text: string, count: number): readonly string[] {
  const parts = text.split(";");
  return parts.length <= count ? parts : [...parts.slice(0, count - 1), parts.slice(count - 1).join(";")];
}

function boolean(value: string, option: string): boolean {
  const bool = parseBool(value);
  if (bool !== undefined) return bool;
  throw new CheckOptionError(`failed to parse check option ${quote(option)}: strconv.ParseBool: parsing ${quote(value)}: invalid syntax`);
}
