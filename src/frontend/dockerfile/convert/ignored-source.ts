import { cleanPath } from "../dockerfile-paths.ts";
import { quote } from "../go-text.ts";
import type { PatternMatcher } from "../../../pattern/pattern-matcher.ts";
import { PatternError } from "../../../pattern/pattern-error.ts";
import type { CopyStep } from "./copy.ts";

/** Patterns that leave nothing of the context's root. */
const WHOLE_ROOT = new Set(["*", "**", "**/*"]);

/** Reports a source that the ignore file takes away. With exceptions in that file nobody can tell beforehand. */
export function reportIgnored(source: string, { instruction, conversion, isFromContext }: CopyStep): void {
  const matcher = conversion.ignoreMatcher;
  if (!isFromContext || matcher === undefined || matcher.hasExclusions) return;
  const path = cleanPath(source);
  if ((path === "." || path === "/") && !matcher.patterns.some(({ text }) => WHOLE_ROOT.has(text))) return;
  if (!isMatched(matcher, path)) return;
  const verb = instruction.kind === "add" ? "Add" : "Copy";
  conversion.findings.add("CopyIgnoredFile", `Attempting to ${verb} file ${quote(path)} that is excluded by .dockerignore`, instruction);
}

/** A pattern that is found malformed only now matches nothing: this is no more than a hint. */
function isMatched(matcher: PatternMatcher, path: string): boolean {
  try {
    return matcher.matchesOrParentMatches(path);
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}
