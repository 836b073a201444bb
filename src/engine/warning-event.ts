import { checkRule } from "../frontend/dockerfile/check-rules.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import type { DockerfileSource } from "../frontend/frontend.ts";
import type { BuildEvent } from "../progress/event.ts";

export function warningEvent({ rule, message, url, location }: Finding, { filename, data }: DockerfileSource): BuildEvent {
  const [first] = location;
  const text = Buffer.from(data).toString("utf8");
  const excerpt = first && { filename, text, startLine: first.start.line, endLine: location.at(-1)?.end.line ?? first.end.line };
  return { kind: "warning", rule, message, url, detail: checkRule(rule)?.description ?? "", location: excerpt };
}
