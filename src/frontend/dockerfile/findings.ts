import { CheckOptionError, parseCheckOptions, type CheckOptions } from "./check-options.ts";
import { checkRule, type RuleName } from "./check-rules.ts";
import { DirectiveReader } from "./directives.ts";
import { InstructionError } from "./dockerfile-error.ts";
import { cut } from "./go-text.ts";
import type { Finding, Warn } from "./parsed.ts";
import type { Range } from "./source-range.ts";

/** Where a finding is made: its lines, and the comments above them. */
export interface FindingPlace {
  readonly location: readonly Range[];
  readonly comments: readonly string[];
}

/** Takes findings, and passes on those that nobody asked to leave out. */
export class Findings {
  readonly #options: CheckOptions;
  readonly #emit: Warn | undefined;
  readonly #rules = new Set<string>();

  /** Without `emit` nothing is found: a Dockerfile converted for several platforms is checked once. */
  constructor(options: CheckOptions, emit: Warn | undefined) {
    this.#options = options;
    this.#emit = emit;
  }

  add(rule: RuleName, message: string, { location, comments }: FindingPlace): void {
    this.take({ rule, message, url: checkRule(rule)?.url ?? "", location, comments });
  }

  take(finding: Finding): void {
    if (this.#emit === undefined || !this.#wants(finding)) return;
    this.#rules.add(finding.rule);
    this.#emit(finding);
  }

  /** The message of the failure where findings are to fail the build. */
  failure(): string | undefined {
    return this.#options.error && this.#rules.size > 0 ? `lint violation found for rules: ${[...this.#rules].join(", ")}` : undefined;
  }

  #wants({ rule, comments }: Finding): boolean {
    const options = [this.#options, commentOptions(comments)].filter((one) => one !== undefined);
    if (checkRule(rule)?.experimental === true) return options.some(({ experimentalAll, experimental }) => experimentalAll || experimental.includes(rule));
    return !options.some(({ skipAll, skip }) => skipAll || skip.includes(rule));
  }
}

/** The options in the first `check=` comment, if they can be read. */
function commentOptions(comments: readonly string[]): CheckOptions | undefined {
  const value = comments.map(checkDirective).find((found) => found !== undefined);
  if (value === undefined) return undefined;
  try {
    return parseCheckOptions(cut(value, " ").before);
  } catch (error) {
    if (error instanceof CheckOptionError) return undefined;
    throw error;
  }
}

function checkDirective(comment: string): string | undefined {
  try {
    const directive = new DirectiveReader("").read(comment);
    return directive?.name === "check" ? directive.value : undefined;
  } catch (error) {
    if (error instanceof InstructionError) return undefined;
    throw error;
  }
}
