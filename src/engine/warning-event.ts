import { checkRule } from "../frontend/dockerfile/check-rules.ts";
import type { Finding } from "../frontend/dockerfile/parsed.ts";
import type { DockerfileInput } from "../frontend/dockerfile/build-context.ts";
import { loadGraph } from "../llb/graph.ts";
import type { BuildEvent } from "../progress/event.ts";
import { shownDefinition } from "./shown-definition.ts";

export function warningEvent({ rule, message, url, location }: Finding, { filename, data, definition }: DockerfileInput): BuildEvent {
  const [first] = location;
  const text = Buffer.from(data).toString("utf8");
  const excerpt = first && { filename, text, startLine: first.start.line, endLine: location.at(-1)?.end.line ?? first.end.line, language: "Dockerfile", definition: shownDefinition(definition) };
  const head = loadGraph(definition).head;
  return { kind: "warning", ...(head === undefined ? {} : { step: head.digest }), rule, message, url, detail: checkRule(rule)?.description ?? "", location: excerpt };
}
