import { FrontendOptionError } from "../frontend/dockerfile/frontend-option-error.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import { FrontendFailure } from "../bridge/frontend-failure.ts";
import { CAPABILITIES_OPTION } from "./frontend-attributes.ts";
import { callFrontend, type Asked, type Call, type CallAnswer, type CallName } from "./call-frontend.ts";

/** BuildKit's names of what can be asked of a frontend: the option `requestid`. */
export const SUBREQUEST_OF: Readonly<Record<CallName, string>> = {
  check: "frontend.lint",
  outline: "frontend.outline",
  targets: "frontend.targets",
  "subrequests.describe": "frontend.subrequests.describe",
};

/** A request as a question: with what must be said to a frontend so that it answers, or says that it cannot. */
export function asSubrequest(call: CallName, options: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const needed = options.get(CAPABILITIES_OPTION);
  const capabilities = [...(needed === undefined ? [] : [needed]), "moby.buildkit.frontend.subrequests"].join(",");
  return new Map([...options, ["requestid", SUBREQUEST_OF[call]], [CAPABILITIES_OPTION, capabilities]]);
}

/** The built-in frontend's answer as a frontend in a container would return it. Throws FrontendOptionError for what it does not know. */
export async function answerSubrequest(requestId: string, asked: Asked, signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>> {
  const name = (Object.keys(SUBREQUEST_OF) as CallName[]).find((each) => SUBREQUEST_OF[each] === requestId);
  if (name === undefined) throw new FrontendOptionError(`unsupported request ${requestId}`);
  const answer = async (format: Call["format"], warn: Asked["warn"]): Promise<Uint8Array> => Buffer.from((await callFrontend({ name, format }, { ...asked, warn }, signal)).text);
  return new Map([["result.json", await answer("json", asked.warn)], ["result.txt", await answer("text", () => undefined)], ["version", Buffer.from("1.0.0")]]);
}

/** What a frontend in a container answered. Throws FrontendFailure where it answered nothing. */
export function callAnswer({ name, format }: Call, metadata: ReadonlyMap<string, Uint8Array>): CallAnswer {
  const text = metadata.get(format === "json" ? "result.json" : "result.txt") ?? metadata.get("result.json");
  if (text === undefined) throw new FrontendFailure(`the frontend does not answer ${SUBREQUEST_OF[name]}`, undefined);
  const { findings, failure } = name === "check" ? lintOf(metadata.get("result.json")) : { findings: [], failure: undefined };
  return { text: Buffer.from(text).toString("utf8"), findings, failure };
}

interface LintJson {
  readonly warnings?: ReadonlyArray<{ readonly ruleName?: string; readonly detail?: string; readonly url?: string; readonly location?: { readonly ranges?: ReadonlyArray<{ readonly start?: { readonly line?: number }; readonly end?: { readonly line?: number } }> } }>;
  readonly buildError?: { readonly message?: string };
}

/** What a check found decides how the command ends. */
function lintOf(bytes: Uint8Array | undefined): Pick<CallAnswer, "findings" | "failure"> {
  const lint = parseLint(bytes);
  const findings = (lint.warnings ?? []).map(({ ruleName = "", detail = "", url = "", location }): Finding => ({
    rule: ruleName, message: detail, url, comments: [],
    location: (location?.ranges ?? []).map(({ start, end }) => ({ start: { line: start?.line ?? 0, character: 0 }, end: { line: end?.line ?? start?.line ?? 0, character: 0 } })),
  }));
  return { findings, failure: lint.buildError?.message };
}

function parseLint(bytes: Uint8Array | undefined): LintJson {
  try {
    // BuildKit's lint.LintResults; what lacks is looked at as such.
    return bytes === undefined ? {} : ((JSON.parse(Buffer.from(bytes).toString("utf8")) ?? {}) as LintJson);
  } catch (error) {
    throw new FrontendFailure("the frontend's result.json is not JSON", undefined, { cause: error });
  }
}
