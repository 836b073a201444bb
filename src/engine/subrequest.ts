import { FrontendOptionError } from "../frontend/dockerfile/frontend-option-error.ts";
import { CAPABILITIES_OPTION } from "./frontend-attributes.ts";
import { callFrontend, type Asked, type Call, type CallName } from "./call-frontend.ts";

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
