import { InvalidReferenceError, parseReference, type Reference } from "../../oci/reference.ts";
import type { Stage } from "../dockerfile/instruction.ts";
import type { Parsed } from "../dockerfile/parsed.ts";
import { processWord, ShellWordError, type WordRules } from "../dockerfile/shell-lex.ts";
import { lineSpan, type Observation, type Subject } from "./subject.ts";
import type { TextEdit } from "./text-edit.ts";

/** FROM of an image by no digest, and by no tag that says a version. */
export function unpinnedBase(subject: Subject): readonly Observation[] {
  return unpinnedStages(subject.parsed).map(({ stage, image, tag }) => {
    const edits = pinnedLine(stage, subject);
    const message = tag === undefined ? `${image} is named by neither tag nor digest` : `the tag of ${image} says no version`;
    return { at: stage, message, ...(edits === undefined ? {} : { edits }) };
  });
}

/** The images that could be pinned by their digests, by the words that name them. */
export function pinnableBases(parsed: Parsed): readonly string[] {
  const names = unpinnedStages(parsed).flatMap(({ stage, image }) => (stage.baseName === image ? [image] : []));
  return [...new Set(names)];
}

interface UnpinnedStage {
  readonly stage: Stage;
  /** Its variables expanded. */
  readonly image: string;
  readonly tag: string | undefined;
}

function unpinnedStages(parsed: Parsed): readonly UnpinnedStage[] {
  const variables = globalDefaults(parsed);
  const earlier = new Set(["scratch"]);
  const found: UnpinnedStage[] = [];
  for (const stage of parsed.stages) {
    const image = expand(stage.baseName, variables, parsed.escape);
    const reference = image === undefined || earlier.has(image.toLowerCase()) ? undefined : referenceOf(image);
    if (image !== undefined && reference !== undefined && reference.digest === undefined && !isSpecific(reference)) found.push({ stage, image, tag: reference.tag });
    if (stage.stageName !== "") earlier.add(stage.stageName);
  }
  return found;
}

const MOVING = new Set([
  "latest", "stable", "oldstable", "oldoldstable", "testing", "unstable", "sid", "rawhide", "edge", "rolling", "devel", "nightly", "lts", "current",
  "mainline", "main", "master", "trunk", "head", "dev", "develop", "development", "canary", "next", "beta", "alpha", "preview", "snapshot", "release",
]);
/** Flavours of an image: alone they name its newest version. */
const FLAVOURS = new Set([
  "alpine", "slim", "bullseye", "bookworm", "trixie", "noble", "jammy", "focal", "apache", "fpm", "cli", "zts", "jdk", "jre", "debug", "nonroot",
  "minimal", "full", "buildpack", "windowsservercore", "nanoserver", "musl", "glibc", "uclibc", "perl", "otel", "management",
]);
/** Images whose releases have names: a name is their version. */
const NAMED_RELEASES = /(?:^|\/)(?:debian|ubuntu|buildpack-deps)$/;

function isSpecific({ tag, path }: Reference): boolean {
  if (tag === undefined) return false;
  const parts = tag.toLowerCase().split(/[-_]/);
  if (/^v?\d/.test(parts[0] ?? "")) return true;
  if (parts.some((part) => MOVING.has(part))) return false;
  return NAMED_RELEASES.test(path) || !parts.every((part) => FLAVOURS.has(part));
}

function referenceOf(image: string): Reference | undefined {
  try {
    return parseReference(image);
  } catch (error) {
    // The build says what is wrong with it.
    if (error instanceof InvalidReferenceError) return undefined;
    throw error;
  }
}

function globalDefaults({ globalArgs, escape }: Parsed): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { key, value } of globalArgs.flatMap(({ args }) => args)) {
    const expanded = value === undefined ? undefined : expand(value, values, escape);
    if (expanded === undefined) values.delete(key);
    else values.set(key, expanded);
  }
  return values;
}

/** Undefined where a value comes from outside of the file. */
function expand(word: string, variables: ReadonlyMap<string, string>, escape: WordRules["escape"]): string | undefined {
  try {
    const { result, unmatched } = processWord(word, variables, { escape });
    return unmatched.size > 0 || result === "" ? undefined : result;
  } catch (error) {
    if (error instanceof ShellWordError) return undefined;
    throw error;
  }
}

/** The line that names the image, with the digest behind the name. */
function pinnedLine(stage: Stage, { lines, pins }: Subject): readonly TextEdit[] | undefined {
  const digest = pins.get(stage.baseName);
  if (digest === undefined) return undefined;
  const { startLine, endLine } = lineSpan(stage);
  // The name of the image comes before the name of the stage.
  const word = new RegExp(`(?<=^|\\s)${RegExp.escape(stage.baseName)}(?=[\\s\\\\\`]|$)`, "g");
  for (let line = startLine; line <= endLine; line++) {
    const text = lines[line - 1] ?? "";
    const [place] = isComment(text) || stage.name === stage.baseName ? [] : text.matchAll(word);
    if (place === undefined) continue;
    const end = place.index + stage.baseName.length;
    return [{ startLine: line, endLine: line, replacement: `${text.slice(0, end)}@${digest}${text.slice(end)}` }];
  }
  return undefined;
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith("#");
}
