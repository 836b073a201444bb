import { adviceRuleOf, type AdviceRule } from "./advice-rule.ts";

const SKIP = /^#?[ \t]*stemma:[ \t]*skip=(\S+)/;

/** The rules that a comment such as `stemma: skip=unpinned-base,secret-value` switches off; `all` is every one. */
export function skippedBy(comments: readonly string[]): ReadonlySet<AdviceRule> | "all" {
  const names = comments.flatMap((comment) => SKIP.exec(comment)?.[1]?.split(",") ?? []);
  return names.includes("all") ? "all" : new Set(names.flatMap((name) => adviceRuleOf(name) ?? []));
}

/** The comments that stand before the first instruction: they speak of the whole file. */
export function headComments(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex((line) => !/^\uFEFF?\s*(?:#|$)/.test(line));
  return lines.slice(0, first === -1 ? lines.length : first).map((line) => line.trim());
}
