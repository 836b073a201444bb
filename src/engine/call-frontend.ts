import type { DockerfileInput } from "../frontend/dockerfile/build-context.ts";
import type { DockerfileSource, FrontendRequest } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { lintDockerfile } from "../frontend/dockerfile/lint.ts";
import { outlineDockerfile, type Outline } from "../frontend/dockerfile/outline.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import { describeLint, describeOutline, describeSubrequests, describeTargets } from "../frontend/dockerfile/subrequest-json.ts";
import { listTargets } from "../frontend/dockerfile/targets.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { lintFailureText, lintText, outlineText, subrequestsText, targetsText } from "./call-text.ts";
import { shownDefinition } from "./shown-definition.ts";

/** What can be asked of a Dockerfile instead of building it: `docker buildx build --call`. */
export type CallName = "check" | "outline" | "targets" | "subrequests.describe";

export interface Call {
  readonly name: CallName;
  readonly format: "text" | "json";
  /** What the caller calls the file, for who reads of its lines; undefined for its name in the context. */
  readonly dockerfileName?: string | undefined;
}

export interface CallAnswer {
  /** For standard output. */
  readonly text: string;
  readonly findings: readonly Finding[];
  /** What a build would fail with, as a check found it. */
  readonly failure: string | undefined;
}

/** The file that is shown beside its findings. */
function withoutSecretsIn<Answer extends { readonly dockerfile: DockerfileSource }>(result: Answer): Answer {
  const { filename, data } = result.dockerfile;
  const text = Buffer.from(data).toString("utf8");
  const scrubber = new Scrubber();
  scrubber.learnDockerfile(text);
  const scrubbed = scrubber.dockerfile(text, filename);
  return scrubbed === text ? result : { ...result, dockerfile: { ...result.dockerfile, data: Buffer.from(scrubbed) } };
}

function withoutSecretArgs(outline: Outline): Outline {
  const scrubber = new Scrubber();
  return { ...outline, args: outline.args.map((arg) => ({ ...arg, value: scrubber.variable(arg.name, arg.value, "outline") })) };
}

/** Whom to ask, and who is told of what is found wrong on the way to an answer that does not name it. */
export interface Asked {
  readonly gateway: Gateway;
  readonly request: FrontendRequest;
  readonly warn: (finding: Finding, dockerfile: DockerfileInput) => void;
}

/** Answers in the bytes that buildx prints, but for secrets. Throws what the frontend throws. */
export async function callFrontend(call: Call, { gateway, request, warn }: Asked, signal: AbortSignal): Promise<CallAnswer> {
  const json = call.format === "json";
  const answer = (text: string): CallAnswer => ({ text, findings: [], failure: undefined });
  switch (call.name) {
    case "check": {
      const result = withoutSecretsIn(await lintDockerfile(gateway, request, signal));
      const shown = { ...result, dockerfile: { ...result.dockerfile, filename: call.dockerfileName ?? result.dockerfile.filename } };
      return { text: json ? `${describeLint(result, shownDefinition)}\n` : lintText(shown), findings: result.findings, failure: lintFailureText(shown) };
    }
    case "outline": {
      const outline = withoutSecretArgs(withoutSecretsIn(await outlineDockerfile(gateway, request, warn, signal)));
      return answer(json ? `${describeOutline(outline)}\n` : outlineText(outline));
    }
    case "targets": {
      const list = withoutSecretsIn(await listTargets(gateway, request, signal));
      return answer(json ? `${describeTargets(list)}\n` : targetsText(list));
    }
    case "subrequests.describe":
      return answer(json ? `${describeSubrequests()}\n` : subrequestsText());
  }
}
