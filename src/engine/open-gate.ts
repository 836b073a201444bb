import { readFile } from "node:fs/promises";
import { digestOf } from "../content/digest.ts";
import type { GatewayResult } from "../frontend/gateway.ts";
import type { Clock } from "../host/clock.ts";
import type { VerifySignature } from "../policy/build-functions.ts";
import { PolicyError } from "../policy/policy-error.ts";
import type { SourcePolicy } from "../policy/source-policy.ts";
import type { PolicyRecord } from "../provenance/extension.ts";
import { Awaited } from "./awaited.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { PolicySet } from "./plan-policies.ts";
import { dockerfileName } from "./planned-dockerfile.ts";
import { PolicyFiles } from "./policy-files.ts";
import { RequestError } from "./request-error.ts";
import type { SourceFacts, AskedSource } from "./policy-input.ts";
import type { WantedFact } from "./source-facts.ts";
import { OPEN_GATE, sourceGate, type AskedPolicy, type SourceGate } from "./source-gate.ts";
import type { StepReporter } from "./step-reporter.ts";

export interface GateOptions {
  readonly steps: StepReporter;
  readonly clock: Clock;
  readonly facts: (wanted: WantedFact, signal: AbortSignal) => Promise<SourceFacts>;
  readonly verifier: (source: AskedSource, awaited: Awaited) => VerifySignature;
  /** The files of a context that is not here. */
  readonly openContext: (signal: AbortSignal) => Promise<GatewayResult | undefined>;
}

interface LoadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Reads the policies of a build, and finds what is wrong with them before anything else is read. Without policies it costs nothing. */
export async function openGate(plan: BuildPlan, { steps, clock, facts, verifier, openContext }: GateOptions, signal: AbortSignal): Promise<SourceGate> {
  const { policies: planned } = plan;
  const awaited = new Awaited();
  const files = new PolicyFiles(planned, openContext, awaited);
  const sets = (await Promise.all(planned.sets.map(async (set) => ({ set, loaded: await loadFiles(set, files, signal) })))).filter(({ loaded }) => loaded.length > 0);
  const sourcePolicy = planned.sourcePolicy === undefined ? undefined : await readSourcePolicy(planned.sourcePolicy);
  if (sets.length === 0 && sourcePolicy === undefined) return OPEN_GATE;
  const all = sets.flatMap(({ loaded }) => loaded);
  const name = `loading policies ${all.map((file) => file.name).join(", ")}`;
  const tell = (message: string): void => steps.output(digestOf(Buffer.from(name)), "stdout", Buffer.from(`${message}\n`));
  const opening = { files, awaited, verifier, environment: environmentOf(plan), nowNs: clock.nowNs(), tell };
  const policies = sets.length === 0 ? [] : await steps.work(name, async () => {
    const opened = await Promise.all(sets.map((each) => openPolicy(each, opening, signal)));
    if (opened.some(({ wantsProxy }) => wantsProxy)) tell("policy enabled network proxy");
    return opened;
  });
  return sourceGate({
    policies, facts,
    lists: sourcePolicy === undefined ? [] : [sourcePolicy.policy],
    files: () => [...all.map((file): PolicyRecord => ({ kind: "rego", name: file.name, digest: digestOf(file.bytes) })), ...files.read, ...(sourcePolicy === undefined ? [] : [sourcePolicy.file])],
    step: async (work) => await steps.work(name, work),
  });
}

async function loadFiles(set: PolicySet, files: PolicyFiles, signal: AbortSignal): Promise<readonly LoadedFile[]> {
  const loaded: LoadedFile[] = [];
  for (const file of set.files) {
    const bytes = await files.load(file, signal);
    if (bytes !== undefined) loaded.push({ name: file.name, bytes });
  }
  return loaded;
}

async function readSourcePolicy(path: string): Promise<{ readonly policy: SourcePolicy; readonly file: PolicyRecord }> {
  const { parseSourcePolicy } = await import("../policy/source-policy-file.ts");
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new RequestError("missing-input", `EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: failed to read policy file: ${error instanceof Error ? error.message : String(error)}`);
  });
  return { policy: parseSourcePolicy(bytes.toString("utf8"), path), file: { kind: "source-policy", name: path, digest: digestOf(bytes) } };
}

interface OpeningPolicy extends Pick<GateOptions, "verifier"> {
  readonly files: PolicyFiles;
  readonly awaited: Awaited;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly nowNs: bigint;
  readonly tell: (message: string) => void;
}

/** The interpreter is loaded by who needs it only. */
async function openPolicy({ set: { logLevel }, loaded }: { readonly set: PolicySet; readonly loaded: readonly LoadedFile[] }, { files, awaited, verifier, environment, nowNs, tell }: OpeningPolicy, signal: AbortSignal): Promise<AskedPolicy> {
  const { BuildPolicy } = await import("../policy/build-policy.ts");
  const log: AskedPolicy["log"] = (level, message) => (logLevel === "debug" || level === logLevel ? tell(message) : undefined);
  const sources = loaded.map(({ name, bytes }) => ({ file: name, text: Buffer.from(bytes).toString("utf8") }));
  try {
    const policy = await awaited.run(() => new BuildPolicy(sources, { log, nowNs, readModule: (path) => files.module(path), readFile: (path) => files.data(path) }), signal);
    const wanted = await awaited.run(() => policy.capabilities(environment), signal);
    return { log, wantsProxy: wanted.get("exec.proxy") === true, decide: async (source, input, askSignal) => await awaited.run(() => policy.decide({ input, environment, verify: verifier(source, awaited) }), askSignal) };
  } catch (error) {
    if (error instanceof PolicyError) throw new PolicyError(`failed to evaluate policy caps: ${error.message}`, { cause: error });
    throw error;
  }
}

/** `input.env`. */
function environmentOf({ buildArgs, labels, dockerfile, target }: BuildPlan): Readonly<Record<string, unknown>> {
  return {
    ...(buildArgs.size === 0 ? {} : { args: Object.fromEntries(buildArgs) }),
    ...(labels.size === 0 ? {} : { labels: Object.fromEntries(labels) }),
    filename: dockerfileName(dockerfile).split("/").at(-1),
    ...(target === undefined ? {} : { target }),
  };
}
