import type { Definition } from "../llb/definition.ts";
import type { Range } from "../frontend/dockerfile/source-range.ts";
import type { ReportEvent, SourceExcerpt } from "../progress/event.ts";
import type { Redaction } from "../scrub/scrubber.ts";
import { BuildError } from "./build-error.ts";
import type { BuildPlan } from "./build-plan.ts";

/** A secret that was found, in words, at its lines. */
export interface Finding {
  readonly rule: "SecretInHistory" | "SecretInImage" | "SecretInProvenance";
  readonly message: string;
  /** Empty where no line of this Dockerfile brought it. */
  readonly location: readonly Range[];
}

type Source = Pick<SourceExcerpt, "filename" | "text"> | undefined;

/** The file that a definition's lines are of. */
export function sourceOf(definition: Definition | undefined): Source {
  const [file] = definition?.source?.infos ?? [];
  return file && { filename: file.filename, text: Buffer.from(file.data).toString("utf8") };
}

/** Warns of what was found, each thing once; where nothing may be published with a secret, throws BuildError ("secret"). */
export function tellFindings(all: readonly Finding[], source: Source, { secretsInEvidence }: BuildPlan, report: ReportEvent): void {
  const findings = [...new Map(all.map((finding) => [`${finding.message} ${finding.location[0]?.start.line}`, finding])).values()];
  if (secretsInEvidence === "refuse" && findings.length > 0) throw refusal(findings, source);
  for (const { rule, message, location } of findings) {
    if (rule !== "SecretInProvenance") report({ kind: "warning", rule, message: atLine(message, location, source), url: "", detail: "", location: excerptOf(location, source) });
  }
}

/** `secret variable NPM_TOKEN`. */
export function described({ kind, name }: Pick<Redaction, "kind" | "name">): string {
  return `${kind.replaceAll("-", " ")}${name === undefined ? "" : ` ${name}`}`;
}

function atLine(message: string, [first]: readonly Range[], source: Source): string {
  return first === undefined || source === undefined ? message : `${source.filename}:${first.start.line}: ${message}`;
}

function excerptOf(location: readonly Range[], source: Source): SourceExcerpt | undefined {
  const [first] = location;
  return source && first && { ...source, startLine: first.start.line, endLine: location.at(-1)?.end.line ?? first.end.line };
}

function refusal(findings: readonly Finding[], source: Source): BuildError {
  const lines = findings.map(({ message, location }) => ` - ${atLine(message.replace(/^masked in/, "would stand in"), location, source)}\n`);
  const count = findings.length === 1 ? "a secret" : `${findings.length} secrets`;
  const message = `refused: ${count} would be published: remove them, hand them to steps with RUN --mount=type=secret, or use --secrets-in-evidence=redact`;
  return new BuildError(message, { code: "secret", retryable: false, excerpt: excerptOf(findings.find(({ location }) => location.length > 0)?.location ?? [], source), exitCode: undefined, report: lines.join("") }, {});
}
