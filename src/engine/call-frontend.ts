import type { FrontendRequest } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { lintDockerfile } from "../frontend/dockerfile/lint.ts";
import { outlineDockerfile } from "../frontend/dockerfile/outline.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import { describeLint, describeOutline, describeSubrequests, describeTargets } from "../frontend/dockerfile/subrequest-json.ts";
import { listTargets } from "../frontend/dockerfile/targets.ts";
import { definitionJson } from "../provenance/describe-definition.ts";
import { lintFailureText, lintText, outlineText, subrequestsText, targetsText } from "./call-text.ts";

/** What can be asked of a Dockerfile instead of building it: `docker buildx build --call`. */
export type CallName = "check" | "outline" | "targets" | "subrequests.describe";

export interface Call {
  readonly name: CallName;
  readonly format: "text" | "json";
}

export interface CallAnswer {
  /** For standard output. */
  readonly text: string;
  readonly findings: readonly Finding[];
  /** What a build would fail with, as a check found it. */
  readonly failure: string | undefined;
}

/** Answers in the bytes that buildx prints. Throws what the frontend throws. */
export async function callFrontend(call: Call, gateway: Gateway, request: FrontendRequest, signal: AbortSignal): Promise<CallAnswer> {
  const json = call.format === "json";
  const answer = (text: string): CallAnswer => ({ text, findings: [], failure: undefined });
  switch (call.name) {
    case "check": {
      const result = await lintDockerfile(gateway, request, signal);
      return { text: json ? `${describeLint(result, definitionJson)}\n` : lintText(result), findings: result.findings, failure: lintFailureText(result) };
    }
    case "outline": {
      const outline = await outlineDockerfile(gateway, request, signal);
      return answer(json ? `${describeOutline(outline)}\n` : outlineText(outline));
    }
    case "targets": {
      const list = await listTargets(gateway, request, signal);
      return answer(json ? `${describeTargets(list)}\n` : targetsText(list));
    }
    case "subrequests.describe":
      return answer(json ? `${describeSubrequests()}\n` : subrequestsText());
  }
}
