import { relative, resolve } from "node:path";
import type { BuildEvent } from "../doors/build.ts";
import type { CommandIo } from "./command.ts";

export type BuildWarning = Extract<BuildEvent, { readonly kind: "warning" }>;

/** What was found in the Dockerfile, at the end of a build, as buildx writes it; empty where nothing was. */
export function warningsText(found: readonly BuildWarning[]): string {
  const warnings = distinct(found);
  if (warnings.length === 0) return "";
  const count = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  const rows = warnings.map(({ rule, message, location }) => ` - ${rule}: ${message}${location === undefined ? "" : ` (line ${location.startLine})`}\n`);
  return `\n ${count} found (use docker --debug to expand):\n${rows.join("")}`;
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
