import type { ExportTarget, ImageTarget } from "../export/target.ts";
import { systemClock } from "../host/clock.ts";
import { randomId } from "../host/random.ts";
import type { ReportEvent, WarningEvent } from "../progress/event.ts";
import { openBuildMeans, type BuildMeans } from "./build-means.ts";
import type { BuildOutcome } from "./build-outcome.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import { checkReproducible } from "./check-reproducible.ts";
import { compile } from "./compile.ts";
import { copiedSecrets } from "./copied-secrets.ts";
import type { Engine } from "./engine.ts";
import { describeEvidence } from "./evidence-text.ts";
import { explainFailure } from "./explain-failure.ts";
import { lackOfEvidence } from "./lack-of-evidence.ts";
import { logScrubber, type LogScrubber } from "./log-scrubber.ts";
import { exportCaches } from "./cache-exports.ts";
import { inlineCache } from "./inline-cache.ts";
import { describeOutcome } from "./outcome.ts";
import { attestsImage, attestsInline } from "./plan-evidence.ts";
import type { InlineCache } from "./publish-context.ts";
import { publish } from "./publish.ts";
import type { PublishedImage } from "./publish-image.ts";
import { attestedResults, type AttestedResults } from "./results.ts";
import { resultEvidence } from "./result-evidence.ts";
import { sourceOf, tellFindings } from "./secret-findings.ts";
import { settleCommit } from "./settle-commit.ts";
import { RunRecorder, type CompletedRun } from "./run-recorder.ts";
import { solveGraphs } from "./solve-graphs.ts";
import { checkForStdout, withoutBrokenCache } from "./without-broken-cache.ts";
import { withoutSecrets, type ScrubbedBuild } from "./without-secrets.ts";

/** What one build is run with. */
export interface BuildContext {
  readonly engine: Engine;
  /** For what only the caller has: credentials, standard output. */
  readonly request: BuildRequest;
  readonly report: ReportEvent;
}

/** The same, with what keeps secrets out of what is said of it, and with what names this run. */
export interface ScrubbedContext extends BuildContext {
  readonly id: string;
  /** Nanoseconds since the epoch. */
  readonly startedNs: bigint;
  readonly log: LogScrubber;
}

interface RunContext extends ScrubbedContext {
  /** Those that were told so far, without secrets. */
  readonly warnings: readonly WarningEvent[];
}

const NO_OUTPUT = "WARNING: No output specified. Build result will only remain in the build cache. To push it to a registry use -t NAME --push, to write it to a file -o type=oci,dest=FILE";

/**
 * One build, from plan to outcome.
 *
 * Nothing is published until the statements about it exist, so a reader of the registry
 * never sees an image whose provenance is still on its way.
 */
export async function build(plan: BuildPlan, caller: BuildContext, signal: AbortSignal): Promise<BuildOutcome> {
  const log = logScrubber(plan);
  const id = randomId();
  const recorder = new RunRecorder({ id, plan, log, clock: systemClock, history: caller.engine.state.history });
  const warnings: WarningEvent[] = [];
  const noted: ReportEvent = (event) => {
    if (event.kind === "warning") warnings.push(event);
    caller.report(event);
  };
  const context = { ...caller, id, startedNs: recorder.startedNs, log, warnings, report: log.report(recorder.following(noted)) };
  if (plan.isWithoutOutput) context.report({ kind: "notice", message: NO_OUTPUT });
  for (let wanted = plan; ; ) {
    await using means = await openBuildMeans(wanted, context, signal).catch(async (error: unknown) => {
      // Nobody has explained it yet; the caller does.
      throw await recorded(recorder, { failure: error, means: undefined }, context, signal);
    });
    try {
      const completed = await run(wanted, context, means, signal);
      await recorder.completed(completed, means);
      return completed.outcome;
    } catch (error) {
      const less = signal.aborted ? undefined : withoutBrokenCache(error, wanted, means);
      if (less === undefined) throw await recorded(recorder, { failure: log.failure(explainFailure(error, means.seen)), means }, context, signal);
      wanted = less;
    }
  }
}

/** What the caller is to get, once it is in the history. An abort is the caller's own doing: it gets its reason back, whatever broke on the way down. */
async function recorded(recorder: RunRecorder, { failure, means }: { readonly failure: unknown; readonly means: BuildMeans | undefined }, { log, report }: ScrubbedContext, signal: AbortSignal): Promise<unknown> {
  try {
    await recorder.failed(signal.aborted ? undefined : log.failure(failure), means);
  } catch (error) {
    // What stopped the build is what the caller has to hear of; often it is the same full disk.
    report({ kind: "notice", message: `WARNING: this build is not in the history: ${error instanceof Error ? error.message : String(error)}` });
  }
  return signal.aborted ? signal.reason : failure;
}

async function run(plan: BuildPlan, context: RunContext, means: BuildMeans, signal: AbortSignal): Promise<CompletedRun> {
  const asked = withoutSecrets(plan, await compile(means, signal), means);
  const solved = await solveGraphs(asked.platforms.map(({ definition }) => definition), means, signal);
  if (plan.secretsInEvidence !== "allow") tellFindings(await copiedSecrets({ compiled: asked, solved }, means, signal), sourceOf(asked.platforms[0]?.definition), plan, means.report);
  const { compiled, commit } = await settleCommit(plan, asked, means, signal);
  const rebuild = plan.reproducible ? await checkReproducible({ plan, compiled, solved }, { means, request: context.request, log: context.log }, signal) : undefined;
  const evidence = await resultEvidence({ plan, compiled, solved }, means, signal);
  const attested = await attestedResults({ plan, compiled, solved, commit, evidence, rebuild }, means, signal);
  await checkForStdout(plan, solved.chains, signal);
  const published = await publishAll({ plan, compiled, attested, inlineCache: await inlineCache(plan.cache.exports, solved) }, means, signal);
  await exportCaches(plan.cache.exports, solved, means, signal);
  return { outcome: await describeOutcome({ plan, attested, published, warnings: context.warnings }, means), attested };
}

interface Finished {
  readonly plan: BuildPlan;
  readonly compiled: ScrubbedBuild;
  readonly attested: AttestedResults;
  readonly inlineCache: InlineCache | undefined;
}

async function publishAll({ plan, compiled, attested, inlineCache }: Finished, means: BuildMeans, signal: AbortSignal): Promise<PublishedImage | undefined> {
  const isIndex = compiled.multiPlatform || compiled.platforms.length > 1 || attested.hasEvidence;
  const options = {
    epochNs: compiled.epochSeconds === undefined ? undefined : compiled.epochSeconds * 1_000_000_000n,
    indexAlways: compiled.multiPlatform,
    inlineCache,
    // What is said of an image besides its provenance is read for secrets only once its layers are made.
    streamsLayers: plan.secretsInEvidence !== "refuse" || !attested.hasEvidence,
    attests: (target: ImageTarget) => attested.hasEvidence || attestsImage(target, plan, isIndex),
    attestsInline: (target: ImageTarget) => attestsInline(target, isIndex),
  };
  const images = new Map<ExportTarget, PublishedImage>();
  // What is pushed comes last: others see nothing of a build that could not write its files.
  for (const target of plan.exports.toSorted((a, b) => Number(isPushed(a)) - Number(isPushed(b)))) {
    const image = await publish(target, attested.results, { means: means.publish, options }, signal);
    if (image !== undefined) images.set(target, image);
  }
  let last: PublishedImage | undefined;
  for (const target of plan.exports) {
    const image = images.get(target);
    if (image === undefined || !("form" in target)) continue;
    means.report({ kind: "notice", isResult: true, message: describeEvidence(image, () => lackOfEvidence(target, { ...plan, isMade: options.attests(target) })) });
    last = image;
  }
  return last;
}

function isPushed(target: ExportTarget): boolean {
  return target.kind === "image" && target.push;
}
