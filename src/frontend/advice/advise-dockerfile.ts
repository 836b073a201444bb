import { parseDockerfile } from "../dockerfile/stages.ts";
import { adviceRules, adviceRuleText, type AdviceRule } from "./advice-rule.ts";
import type { ContextFiles } from "./context-files.ts";
import { copyBeforeInstall } from "./copy-before-install.ts";
import { runCommands } from "./run-commands.ts";
import { secretValue } from "./secret-value.ts";
import { headComments, skippedBy } from "./skip-comment.ts";
import { lineSpan, type Rule, type Subject } from "./subject.ts";
import { applyEdits, linesOf, type TextEdit } from "./text-edit.ts";
import { unpinnedBase } from "./unpinned-base.ts";
import { unpinnedPackage } from "./unpinned-package.ts";
import { unverifiedFetch } from "./unverified-fetch.ts";
import { versionControlLabel } from "./version-control-label.ts";

/** A finding of ours about a Dockerfile. Holds no secret's value. */
export interface AdviceFinding {
  readonly rule: AdviceRule;
  readonly message: string;
  /** What to do instead. */
  readonly advice: string;
  /** The page that explains the rule, from the root of the package. */
  readonly page: string;
  /** First and last line of the instruction, counted from 1. */
  readonly startLine: number;
  readonly endLine: number;
  /** What mends it and leaves all else as it was; undefined where no change is certain to. */
  readonly edits: readonly TextEdit[] | undefined;
}

export interface AdviceOptions {
  /** Without it nothing is known of lock files, and what needs them is not mended. */
  readonly context?: ContextFiles;
  /** Digests of base images, by the words that name them in the file (`pinnableBases`). */
  readonly pins?: ReadonlyMap<string, string>;
  readonly skip?: ReadonlySet<AdviceRule>;
}

const CHECKS: Readonly<Record<AdviceRule, Rule>> = {
  "stemma/unpinned-base": unpinnedBase,
  "stemma/no-version-control-label": versionControlLabel,
  "stemma/unpinned-package": unpinnedPackage,
  "stemma/secret-value": secretValue,
  "stemma/copy-before-install": copyBeforeInstall,
  "stemma/unverified-fetch": unverifiedFetch,
};

/** Our own findings, in the order of their lines; BuildKit's are the linter's. Throws DockerfileError. */
export function adviseDockerfile(bytes: Uint8Array, { context, pins = new Map(), skip = new Set() }: AdviceOptions): readonly AdviceFinding[] {
  const parsed = parseDockerfile(bytes);
  const lines = linesOf(bytes);
  const subject: Subject = { parsed, lines, commands: runCommands(parsed.stages), context, pins };
  const skippedInFile = skippedBy(headComments(lines));
  const findings = adviceRules().flatMap((rule): readonly AdviceFinding[] => {
    if (skip.has(rule) || includes(skippedInFile, rule)) return [];
    const observations = CHECKS[rule](subject).filter(({ at }) => !includes(skippedBy(at.comments), rule));
    const { advice, page } = adviceRuleText(rule);
    return observations.map(({ at, message, edits }) => ({ rule, message, advice, page, ...lineSpan(at), edits }));
  });
  return findings.toSorted((a, b) => a.startLine - b.startLine);
}

export interface MendedDockerfile {
  /** The same bytes where nothing was mended. */
  readonly bytes: Uint8Array;
  readonly mended: readonly AdviceFinding[];
  /** What is left, in the mended file. */
  readonly findings: readonly AdviceFinding[];
}

/**
 * The file with all edits that findings have. One may make room for another, so this goes on until there is none: each
 * adds a digest to a FROM or takes a COPY behind one more RUN, and of both there are so many. Throws DockerfileError.
 */
export function mendDockerfile(original: Uint8Array, options: AdviceOptions): MendedDockerfile {
  const mended: AdviceFinding[] = [];
  let bytes = original;
  for (;;) {
    const findings = adviseDockerfile(bytes, options);
    const round = apart(findings);
    if (round.length === 0) return { bytes, mended, findings };
    bytes = applyEdits(bytes, round.flatMap(({ edits }) => edits ?? []));
    mended.push(...round);
  }
}

/** Of the findings with edits, those whose lines do not touch. */
function apart(findings: readonly AdviceFinding[]): readonly AdviceFinding[] {
  let usedLine = 0;
  return findings.filter(({ edits }) => {
    if (edits === undefined || edits.some(({ startLine }) => startLine <= usedLine)) return false;
    usedLine = Math.max(...edits.map(({ startLine, endLine }) => Math.max(startLine, endLine)));
    return true;
  });
}

function includes(rules: ReadonlySet<AdviceRule> | "all", rule: AdviceRule): boolean {
  return rules === "all" || rules.has(rule);
}
