import type { AspectDifference } from "./aspect.ts";
import type { PathDifference } from "./entry-differences.ts";
import type { ImageDifference, LayerDifference } from "./image-difference.ts";
import type { MemberDifference } from "./member-differences.ts";

/** Of each layer, and of each document. What is left out is counted. */
const SHOWN_MAX = 20;
/** Of a value in a line: a capability is short, an environment variable may not be. */
const VALUE_LENGTH_MAX = 100;

/** The step that made a layer. */
export interface LayerMaker {
  /** `[2/3] RUN make`. */
  readonly step: string;
  /** `Dockerfile:7`; undefined where nobody knows. */
  readonly place: string | undefined;
  /** The step could reach a network. */
  readonly networked: boolean;
}

/** The difference in words, a line for each path, bounded: `makers` are those of the layers, from the base up. */
export function describeDifference({ layers, layerCounts: [first, second], config, manifest }: ImageDifference, makers: readonly LayerMaker[]): string {
  const count = Math.max(first, second);
  return [
    ...(first === second ? [] : [`the first has ${first} layers, the second ${second}\n`]),
    ...layers.map(({ index, difference }) => `layer ${index + 1} of ${count}${describeMaker(makers[index])}:\n${describeLayer(difference)}`),
    ...describeMembers("configuration", config),
    ...describeMembers("manifest", manifest),
  ].join("");
}

/** The lines of one layer, indented. */
export function describeLayer(difference: LayerDifference): string {
  switch (difference.kind) {
    case "files":
      return describePaths(difference.paths);
    case "archive":
      return "  the same files, in an archive whose headers or padding are written in another way\n";
    case "compression":
      return "  the same archive, compressed to other bytes\n";
  }
}

function describeMaker(maker: LayerMaker | undefined): string {
  return maker === undefined ? "" : `, ${maker.step}${maker.place === undefined ? "" : ` (${maker.place})`}`;
}

function describePaths(paths: readonly PathDifference[]): string {
  const lines = paths.slice(0, SHOWN_MAX).map(({ path, aspects }) => `  ${shownPath(path)}: ${aspects.map(describeAspect).join("; ")}\n`);
  return lines.join("") + (paths.length > SHOWN_MAX ? `  and ${paths.length - SHOWN_MAX} more; ${paths.length} paths in all: ${totals(paths)}\n` : "");
}

/** `mtime 30, content 7`: the commonest first. */
function totals(paths: readonly PathDifference[]): string {
  const counts = new Map<string, number>();
  for (const { aspect } of paths.flatMap(({ aspects }) => aspects)) counts.set(aspect, (counts.get(aspect) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([aspect, count]) => `${aspect} ${count}`).join(", ");
}

function describeAspect({ aspect, first, second }: AspectDifference): string {
  if (aspect === "content") return "content";
  if (aspect === "missing") return `only in the first (${first})`;
  if (aspect === "extra") return `only in the second (${second})`;
  return `${aspect} ${values(first, second)}`;
}

function describeMembers(document: string, members: readonly MemberDifference[]): string[] {
  if (members.length === 0) return [];
  const lines = members.slice(0, SHOWN_MAX).map(({ path, first, second }) => (path === "" ? "  the same members, written in another way\n" : `  ${path}: ${values(first, second)}\n`));
  return [`${document}:\n`, ...lines, ...(members.length > SHOWN_MAX ? [`  and ${members.length - SHOWN_MAX} more\n`] : [])];
}

function values(first: string | undefined, second: string | undefined): string {
  return `${shownValue(first)}, then ${shownValue(second)}`;
}

function shownValue(value: string | undefined): string {
  if (value === undefined || value === "") return "nothing";
  const text = isPlain(value) ? value : JSON.stringify(value);
  return text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
}

/** A name may hold what would move a terminal's cursor. */
function shownPath(path: string): string {
  return isPlain(path) ? `/${path}` : JSON.stringify(`/${path}`);
}

function isPlain(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}
