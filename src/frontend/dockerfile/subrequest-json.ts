import { goJson } from "../../content/go-json.ts";
import type { Definition } from "../../llb/definition.ts";
import type { DockerfileInput } from "./build-context.ts";
import { checkRule } from "./check-rules.ts";
import type { LintResult } from "./lint.ts";
import type { Outline } from "./outline.ts";
import type { Range } from "./source-range.ts";
import type { TargetList } from "./targets.ts";

/** How a definition is put into JSON. */
export type DefinitionJson = (definition: Definition) => unknown;

/** Findings in the JSON that BuildKit's clients read: `warnings`, `sources`, and `buildError` where a build would fail. */
export function describeLint({ findings, dockerfile, failure }: LintResult, definitionJson: DefinitionJson = () => undefined): string {
  return written({
    warnings: nonEmpty(findings.map(({ rule, message, url, location }) => ({
      ruleName: rule, description: checkRule(rule)?.description, url: url || undefined, detail: message, location: { ranges: location.map(rangeJson) },
    }))) ?? null,
    sources: [{ filename: dockerfile.filename, data: base64(dockerfile), definition: definitionJson(dockerfile.definition), language: "Dockerfile" }],
    buildError: failure === undefined ? undefined : { message: failure.message, location: locationJson(mergedLines(failure.locations.flat())) ?? {} },
  });
}

/** What a target takes, in the JSON that BuildKit's clients read. */
export function describeOutline({ name, description, args, secrets, sshSockets, dockerfile }: Outline): string {
  const access = ({ name: id, required, location }: Outline["secrets"][number]): object => ({ name: id, required: required || undefined, location: locationJson(location) });
  return written({
    name: name || undefined,
    description: description || undefined,
    args: nonEmpty(args.map((arg) => ({ name: arg.name, description: arg.description || undefined, value: arg.value || undefined, location: locationJson(arg.location) }))),
    secrets: nonEmpty(secrets.map(access)),
    ssh: nonEmpty(sshSockets.map(access)),
    sources: [base64(dockerfile)],
  });
}

/** The stages, in the JSON that BuildKit's clients read. */
export function describeTargets({ targets, dockerfile }: TargetList): string {
  return written({
    targets: nonEmpty(targets.map(({ name, isDefault, description, base, platform, location }) => ({
      name: name || undefined, default: isDefault || undefined, description: description || undefined, base: base || undefined, platform: platform || undefined, location: locationJson(location),
    }))) ?? null,
    sources: [base64(dockerfile)],
  });
}

interface FrontendRequestKind {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Null where BuildKit's own description has no list. */
  readonly opts: ReadonlyArray<{ readonly name: string; readonly description: string }> | null;
}

/** What can be asked of the frontend beside a build, as BuildKit tells it: its list is without the check. */
export const SUBREQUESTS: readonly FrontendRequestKind[] = [
  { name: "frontend.outline", version: "1.0.0", description: "List all parameters current build target supports", opts: [{ name: "target", description: "Target build stage" }] },
  { name: "frontend.targets", version: "1.0.0", description: "List all targets current build supports", opts: [] },
  { name: "frontend.subrequests.describe", version: "1.0.0", description: "List available subrequest types", opts: null },
];

/** The same for who asks what can be asked. */
export function describeSubrequests(): string {
  const metadata = ["result.json", "result.txt"].map((name) => ({ name, description: "" }));
  return written(SUBREQUESTS.map(({ name, version, description, opts }) => ({ name, version, type: "rpc", description, opts, inputs: null, metadata, refs: null })));
}

function written(value: unknown): string {
  return goJson(JSON.parse(JSON.stringify(value)), "  ");
}

function nonEmpty<Item>(items: readonly Item[]): readonly Item[] | undefined {
  return items.length === 0 ? undefined : items;
}

function base64({ data }: DockerfileInput): string {
  return Buffer.from(data).toString("base64");
}

function locationJson(location: readonly Range[]): object | undefined {
  return location.length === 0 ? undefined : { ranges: location.map(rangeJson) };
}

function rangeJson({ start, end }: Range): object {
  const position = ({ line, character }: Range["start"]): object => ({ line: line || undefined, character: character || undefined });
  return { start: position(start), end: position(end) };
}

/** Each line once, in order. */
function mergedLines(ranges: readonly Range[]): readonly Range[] {
  const lines = new Map(ranges.map((range) => [range.start.line, range]));
  return [...lines.values()].toSorted((a, b) => a.start.line - b.start.line);
}
