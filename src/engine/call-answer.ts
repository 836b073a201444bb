import { FrontendFailure } from "../bridge/frontend-failure.ts";
import type { DockerfileSource } from "../frontend/frontend.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import type { Range } from "../frontend/dockerfile/source-range.ts";
import type { Call, CallAnswer } from "./call-frontend.ts";
import { lintFailureText, lintText, type ShownLint } from "./call-text.ts";
import { SUBREQUEST_OF } from "./subrequest.ts";

/** Of the results of a check that are known here. */
const LINT_VERSION = "1.0.0";

/** What a frontend in a container answered, as buildx prints it: what a check found in the words of who asked. Throws FrontendFailure where it answered nothing. */
export function callAnswer(call: Call, metadata: ReadonlyMap<string, Uint8Array>): CallAnswer {
  const said = (name: string): string | undefined => textOf(metadata.get(name));
  const json = said("result.json");
  const text = said(call.format === "json" ? "result.json" : "result.txt") ?? json;
  if (text === undefined) throw new FrontendFailure(`the frontend does not answer ${SUBREQUEST_OF[call.name]}`, undefined);
  const shown = call.format === "json" ? `${text}\n` : text;
  if (call.name !== "check") return { text: shown, findings: [], failure: undefined };
  const lint = lintOf(json, call.dockerfileName);
  const isKnown = json !== undefined && (said("version") ?? LINT_VERSION) <= LINT_VERSION;
  return { text: call.format === "text" && isKnown ? lintText(lint) : shown, findings: lint.findings, failure: lintFailureText(lint) };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString("utf8");
}

interface LocationJson {
  readonly ranges?: ReadonlyArray<{ readonly start?: { readonly line?: number }; readonly end?: { readonly line?: number } }>;
}

interface LintJson {
  readonly warnings?: ReadonlyArray<{ readonly ruleName?: string; readonly detail?: string; readonly url?: string; readonly location?: LocationJson }>;
  readonly sources?: ReadonlyArray<{ readonly filename?: string; readonly data?: string }>;
  readonly buildError?: { readonly message?: string; readonly location?: LocationJson };
}

function lintOf(json: string | undefined, dockerfileName: string | undefined): ShownLint {
  const { warnings = [], sources: [source] = [], buildError } = parseLint(json);
  const findings = warnings.map(({ ruleName = "", detail = "", url = "", location }): Finding => ({ rule: ruleName, message: detail, url, comments: [], location: rangesOf(location) }));
  const dockerfile: DockerfileSource = { filename: dockerfileName ?? source?.filename ?? "", data: Buffer.from(source?.data ?? "", "base64") };
  return { findings, dockerfile, failure: buildError && { message: buildError.message ?? "", locations: [rangesOf(buildError.location)] } };
}

function rangesOf({ ranges = [] }: LocationJson = {}): readonly Range[] {
  return ranges.map(({ start, end }) => ({ start: { line: start?.line ?? 0, character: 0 }, end: { line: end?.line ?? start?.line ?? 0, character: 0 } }));
}

function parseLint(text: string | undefined): LintJson {
  try {
    // BuildKit's lint.LintResults; what lacks is looked at as such.
    return text === undefined ? {} : ((JSON.parse(text) ?? {}) as LintJson);
  } catch (error) {
    throw new FrontendFailure("the frontend's result.json is not JSON", undefined, { cause: error });
  }
}
