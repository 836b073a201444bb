import type { FrontendRequest } from "../frontend.ts";
import type { Gateway } from "../gateway.ts";
import type { DockerfileInput } from "./build-context.ts";
import { openDockerfile, parseForConversion } from "./build.ts";
import { analyseDockerfile } from "./convert/convert-dockerfile.ts";
import type { AccessParameter, ArgParameter, GlobalParameter } from "./convert/parameters.ts";
import type { StageDraft } from "./convert/stage-draft.ts";
import type { Finding } from "./parsed.ts";
import type { Range } from "./source-range.ts";

/** What a target takes from outside. */
export interface Outline {
  /** Of the stage; empty where it has none. */
  readonly name: string;
  readonly description: string;
  readonly args: readonly ArgParameter[];
  readonly secrets: readonly AccessParameter[];
  readonly sshSockets: readonly AccessParameter[];
  readonly dockerfile: DockerfileInput;
}

/** What is found wrong on the way is told of as it is found. Throws FrontendOptionError for the request, DockerfileError for the file, and what the gateway throws. */
export async function outlineDockerfile(gateway: Gateway, request: FrontendRequest, warn: (finding: Finding, dockerfile: DockerfileInput) => void, signal: AbortSignal): Promise<Outline> {
  const open = await openDockerfile(gateway, request, signal);
  const { request: conversionRequest } = parseForConversion(open, (finding) => warn(finding, open.dockerfile));
  const { conversion, target } = await analyseDockerfile(conversionRequest, signal);
  const { stageName } = target.declaration;
  const declaration = conversionRequest.parsed.stages.findLast((stage) => stageName !== "" && stage.stageName === stageName);
  return {
    name: stageName,
    description: declaration?.docComment ?? "",
    args: inOrder(argsOf(target, conversion.globalParameters, new Set(), new Set())),
    secrets: inOrder(accessOf(target, ({ secrets }) => secrets, new Map(), new Set())),
    sshSockets: inOrder(accessOf(target, ({ sshSockets }) => sshSockets, new Map(), new Set())),
    dockerfile: open.dockerfile,
  };
}

/** The stage's own first, then those of its base, then those of what it takes files from; of each name the first. */
function argsOf(stage: StageDraft, globals: ReadonlyMap<string, GlobalParameter>, names: Set<string>, visited: Set<StageDraft>): ArgParameter[] {
  if (visited.has(stage)) return [];
  visited.add(stage);
  const own: ArgParameter[] = [];
  for (const name of withNeeded(stage, globals)) {
    const parameter = stage.parameters.args.get(name) ?? globals.get(name);
    if (parameter === undefined || names.has(name)) continue;
    names.add(name);
    own.push(parameter);
  }
  return [...own, ...neighbours(stage).flatMap((other) => argsOf(other, globals, names, visited))];
}

/** The names that a stage uses, and those that the defaults of these are made of. */
function withNeeded({ parameters }: StageDraft, globals: ReadonlyMap<string, GlobalParameter>): ReadonlySet<string> {
  const found = new Set<string>();
  const pending = [...parameters.used];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    if (!parameters.args.has(name)) pending.push(...(globals.get(name)?.needs ?? []));
  }
  return found;
}

function accessOf(
  stage: StageDraft, pick: (parameters: StageDraft["parameters"]) => ReadonlyMap<string, AccessParameter>, found: Map<string, AccessParameter>, visited: Set<StageDraft>,
): readonly AccessParameter[] {
  if (!visited.has(stage)) {
    visited.add(stage);
    for (const [name, parameter] of pick(stage.parameters)) if (!found.has(name)) found.set(name, parameter);
    for (const other of neighbours(stage)) accessOf(other, pick, found, visited);
  }
  return [...found.values()];
}

function neighbours({ base, dependencies }: StageDraft): readonly StageDraft[] {
  return [...(base === undefined ? [] : [base]), ...dependencies.keys()];
}

/** In the order of the file. */
function inOrder<Parameter extends { readonly name: string; readonly location: readonly Range[] }>(parameters: readonly Parameter[]): readonly Parameter[] {
  const line = ({ location }: Parameter): number => location[0]?.start.line ?? 0;
  return parameters.toSorted((a, b) => line(a) - line(b));
}
