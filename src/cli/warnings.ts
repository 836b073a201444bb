import { relative, resolve } from "node:path";
import type { BuildEvent } from "../doors/build.ts";
import { describeExcerpt } from "../progress/failure-report.ts";
import type { CommandIo } from "./command.ts";
import { withProgress, type ProgressKind } from "./progress-flag.ts";

export type BuildWarning = Extract<BuildEvent, { readonly kind: "warning" }>;

/** Each on a line of its own, or with all that is known of it. */
export type WarningsForm = "short" | "expanded";

/** Shows what happens until it ends. Warnings have no place on a screen: people read them all together then. */
export async function withWarnings(progress: ProgressKind, events: AsyncIterable<BuildEvent>, { io, form }: { readonly io: CommandIo; readonly form: WarningsForm }): Promise<readonly BuildWarning[]> {
  const warnings: BuildWarning[] = [];
  await withProgress(progress, io, async (show) => {
    for await (const event of events) {
      if (event.kind === "warning") warnings.push(event);
      if (event.kind !== "warning" || progress !== "tty") show(event);
    }
  });
  if (progress === "plain" || progress === "tty") io.stderr(warningsText(warnings, form));
  return warnings;
}

/** What was found in the Dockerfile, at the end of a build, as buildx writes it; empty where nothing was. */
export function warningsText(found: readonly BuildWarning[], form: WarningsForm = "short"): string {
  const warnings = distinct(found);
  if (warnings.length === 0) return "";
  const count = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  const rows = warnings.map((warning) => warningRow(warning) + (form === "short" ? "" : warningDetail(warning)));
  return `\n ${count} found${form === "short" ? " (use docker --debug to expand)" : ""}:\n${rows.join("")}`;
}

function warningRow({ rule, message, location }: BuildWarning): string {
  return ` - ${rule}: ${message}${location === undefined ? "" : ` (line ${location.startLine})`}\n`;
}

function warningDetail({ detail, url, location }: BuildWarning): string {
  return `${detail === "" ? "" : `${detail}\n`}${url === "" ? "" : `More info: ${url}\n`}${location === undefined ? "" : describeExcerpt(location)}\n`;
}

/** A variable that one line uses twice is found twice, and told of once. */
function distinct(warnings: readonly BuildWarning[]): readonly BuildWarning[] {
  return [...new Map(warnings.map((warning) => [JSON.stringify(warning), warning])).values()];
}

/** What an annotation of a workflow is made of. */
export type Annotated = Pick<BuildWarning, "rule" | "message"> & { readonly startLine: number | undefined; readonly endLine: number | undefined };

/** The warnings as commands that GitHub Actions puts beside the lines of a change; empty elsewhere. */
export function annotations(warnings: readonly BuildWarning[], dockerfile: string | undefined, io: Pick<CommandIo, "env" | "cwd">): string {
  return annotationText(distinct(warnings).map(({ rule, message, location }) => ({ rule, message, startLine: location?.startLine, endLine: location?.endLine })), dockerfile, io);
}

export function annotationText(findings: readonly Annotated[], dockerfile: string | undefined, { env, cwd }: Pick<CommandIo, "env" | "cwd">): string {
  if (env["GITHUB_ACTIONS"] !== "true") return "";
  const file = dockerfile === undefined ? undefined : relative(env["GITHUB_WORKSPACE"] ?? cwd, resolve(cwd, dockerfile));
  return findings.map(({ rule, message, startLine, endLine }) => {
    const properties = Object.entries({ file, line: startLine, endLine, title: rule }).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${escapeProperty(String(value))}`]));
    return `::warning ${properties.join(",")}::${escapeData(message)}\n`;
  }).join("");
}

function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
