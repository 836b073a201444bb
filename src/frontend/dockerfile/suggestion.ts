import { toLower, toUpper } from "./go-text.ts";

/** From this edit distance on, two words have nothing to do with each other. */
const FAR = 3;

/**
 * The option nearest to a mistyped word, if there is one. When case does not count, it is given in the case of the word.
 * A word that is an option itself has none: then the fault lies elsewhere. Of equally near options the first wins.
 */
export function nearest(word: string, options: readonly string[], caseCounts: boolean): string | undefined {
  const sought = caseCounts ? word : toLower(word);
  let match: string | undefined;
  let least = FAR;
  for (const option of options) {
    const candidate = caseCounts ? option : toLower(option);
    if (candidate === sought) return undefined;
    const distance = editDistance(sought, candidate);
    if (distance < least) {
      match = caseCounts ? candidate : inCaseOf(word, candidate);
      least = distance;
    }
  }
  return match === "" ? undefined : match;
}

/** The message with ` (did you mean …?)` where an option is near. */
export function withSuggestion(message: string, word: string, options: readonly string[], caseCounts: boolean): string {
  const match = nearest(word, options, caseCounts);
  return match === undefined ? message : `${message} (did you mean ${match}?)`;
}

function inCaseOf(word: string, lowered: string): string {
  return word !== toLower(word) && word === toUpper(word) ? toUpper(lowered) : lowered;
}

/** Levenshtein's distance, in characters. */
function editDistance(left: string, right: string): number {
  const [from, to] = [Array.from(left), Array.from(right)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, char] of from.entries()) {
    const next = [index + 1];
    for (const [column, other] of to.entries()) {
      const replaced = (row[column] ?? 0) + (char === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
