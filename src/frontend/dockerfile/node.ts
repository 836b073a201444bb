import type { Heredoc } from "./heredoc.ts";

/** One instruction, split into its parts but not yet understood. */
export interface DockerfileNode {
  /** The first word, as written. */
  readonly word: string;
  /** The `--name=value` words, quotes and escapes taken off. */
  readonly flags: readonly string[];
  /** The rest, split as the instruction wants it. ENV and LABEL give key, value and separator in turns. */
  readonly args: readonly string[];
  /** True when the arguments were a JSON array. */
  readonly json: boolean;
  /** What ONBUILD holds. */
  readonly child: DockerfileNode | undefined;
  readonly heredocs: readonly Heredoc[];
  /** The logical line, without the white space before it. */
  readonly original: string;
  readonly firstLine: number;
  readonly lastLine: number;
  /** The comment lines above, without `#`. */
  readonly comments: readonly string[];
}
