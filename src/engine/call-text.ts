import type { DockerfileError } from "../frontend/dockerfile/dockerfile-error.ts";
import type { DockerfileSource } from "../frontend/frontend.ts";
import type { Outline } from "../frontend/dockerfile/outline.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import type { Range } from "../frontend/dockerfile/source-range.ts";
import { SUBREQUESTS } from "../frontend/dockerfile/subrequest-json.ts";
import type { TargetList } from "../frontend/dockerfile/targets.ts";
import { describeExcerpt } from "../progress/failure-report.ts";
import { textColumns } from "./text-columns.ts";

/** Blanks between columns, as BuildKit sets them: an outline's tables are wider than its lists. */
const GAP = 3;
const NARROW_GAP = 1;

/** What a check found, whoever made it. */
export interface ShownLint {
  readonly findings: readonly Finding[];
  readonly dockerfile: DockerfileSource;
  readonly failure: Pick<DockerfileError, "message" | "locations"> | undefined;
}

/** Findings by line, each with its place, as buildx shows them. */
export function lintText({ findings, dockerfile, failure }: ShownLint): string {
  if (findings.length === 0) return failure === undefined ? "Check complete, no warnings found.\n" : "";
  const text = Buffer.from(dockerfile.data).toString("utf8");
  const sorted = findings.toSorted((a, b) => firstLine(a) - firstLine(b));
  const count = findings.length === 1 ? "1 warning has" : `${findings.length} warnings have`;
  const blocks = sorted.map(({ rule, url, message, location }) => `\nWARNING: ${rule}${url === "" ? "" : ` - ${url}`}\n${message}\n${placeText(location, dockerfile.filename, text)}`);
  return `Check complete, ${count} been found!\n${blocks.join("")}${failure === undefined ? "" : "\n"}`;
}

/** What a build would fail with, and where. */
export function lintFailureText({ failure, dockerfile }: ShownLint): string | undefined {
  if (failure === undefined) return undefined;
  const place = placeText(failure.locations.flat(), dockerfile.filename, Buffer.from(dockerfile.data).toString("utf8"));
  return `${failure.message}\n${place}`.trimEnd();
}

function firstLine({ location }: Finding): number {
  return location[0]?.start.line ?? 0;
}

function placeText(location: readonly Range[], filename: string, text: string): string {
  if (location.length === 0) return "";
  return describeExcerpt({ filename, text, startLine: Math.min(...location.map(({ start }) => start.line)), endLine: Math.max(...location.map(({ end }) => end.line)) });
}

/** What a target takes, a table for each kind. */
export function outlineText({ name, description, args, secrets, sshSockets }: Outline): string {
  const head = name === "" && description === "" ? [] : [textColumns([["TARGET:", name || "(default)"], ...(description === "" ? [] : [["DESCRIPTION:", description]])], 1)];
  const access = (title: string, parameters: Outline["secrets"]): readonly string[] =>
    parameters.length === 0 ? [] : [textColumns([[title, "REQUIRED"], ...parameters.map(({ name: id, required }) => [id, required ? "true" : ""])], GAP)];
  const table = args.length === 0 ? [] : [textColumns([["BUILD ARG", "VALUE", "DESCRIPTION"], ...args.map((arg) => [arg.name, arg.value, arg.description])], GAP)];
  return [...head, ...table, ...access("SECRET", secrets), ...access("SSH", sshSockets)].map((block) => `${block}\n`).join("");
}

/** A stage without a name has a row all the same. */
export function targetsText({ targets }: TargetList): string {
  const shown = (name: string, isDefault: boolean): string => (isDefault ? `${name} (default)`.trimStart() : name);
  return textColumns([["TARGET", "DESCRIPTION"], ...targets.map(({ name, isDefault, description }) => [shown(name, isDefault), description])], NARROW_GAP);
}

export function subrequestsText(): string {
  return textColumns([["NAME", "VERSION", "DESCRIPTION"], ...SUBREQUESTS.map(({ name, version, description }) => [name.replace(/^frontend\./, ""), version, description])], NARROW_GAP);
}
