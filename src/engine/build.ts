import type { ExportTarget, ImageTarget } from "../export/target.ts";
import type { ReportEvent } from "../progress/event.ts";
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
import { logScrubber, type LogScrubber } from "./log-scrubber.ts";
import { describeOutcome } from "./outcome.ts";
import { attestsImage } from "./plan-evidence.ts";
import { publish } from "./publish.ts";
import type { PublishedImage } from "./publish-image.ts";
import { attestedResults, type AttestedResults } from "./results.ts";
import { resultEvidence } from "./result-evidence.ts";
import { sourceOf, tellFindings } from "./secret-findings.ts";
import { settleCommit } from "./settle-commit.ts";
import { saveRun } from "./run-history.ts";
import { solveGraphs } from "./solve-graphs.ts";
import { withoutSecrets, type ScrubbedBuild } from "./without-secrets.ts";

/** What one build is run with. */
export interface BuildContext {
  readonly engine: Engine;
  /** For what only the caller has: credentials, standard output. */
  readonly request: BuildRequest;
  readonly report: ReportEvent;
}

/** The same, with what keeps secrets out of what is said of it. */
export interface ScrubbedContext extends BuildContext {
  readonly log: LogScrubber;
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
  const context = { ...caller, log, report: log.report(caller.report) };
  await using means = await openBuildMeans(plan, context, signal);

  if (plan.isWithoutOutput) context.report({ kind: "notice", message: NO_OUTPUT });
  try {
    const asked = withoutSecrets(plan, await compile(means, signal), means);
    const solved = await solveGraphs(asked.platforms.map(({ definition }) => definition), means, signal);
    tellFindings(await copiedSecrets({ compiled: asked, solved }, means, signal), sourceOf(asked.platforms[0]?.definition), plan, means.report);
    const { compiled, commit } = await settleCommit(plan, asked, means, signal);
    const rebuild = plan.reproducible ? await checkReproducible({ plan, compiled, solved }, { means, request: context.request, log }, signal) : undefined;
    const evidence = await resultEvidence({ plan, compiled, solved }, means, signal);
    const attested = await attestedResults({ plan, compiled, solved, commit, evidence, rebuild }, means, signal);
    const published = await publishAll({ plan, compiled, attested }, means, signal);
    saveRun(means.engine.state.database, { id: means.id, startedNs: means.startedNs, finishedNs: means.publish.clock.nowNs(), records: [...attested.written] });
    return describeOutcome({ plan, attested, published }, means);
  } catch (error) {
    // An abort is the caller's own doing: it gets its reason back, whatever broke on the way down.
    signal.throwIfAborted();
    throw log.failure(explainFailure(error, means.seen));
  }
}

interface Finished {
  readonly plan: BuildPlan;
  readonly compiled: ScrubbedBuild;
  readonly attested: AttestedResults;
}

async function publishAll({ plan, compiled, attested }: Finished, means: BuildMeans, signal: AbortSignal): Promise<PublishedImage | undefined> {
  const options = {
    epochNs: compiled.epochSeconds === undefined ? undefined : compiled.epochSeconds * 1_000_000_000n,
    indexAlways: compiled.multiPlatform,
    attests: (target: ImageTarget) => attested.hasEvidence || attestsImage(target, plan),
  };
  const images = new Map<ExportTarget, PublishedImage | undefined>();
  // What is pushed comes last: others see nothing of a build that could not write its files.
  for (const target of plan.exports.toSorted((a, b) => Number(isPushed(a)) - Number(isPushed(b)))) {
    images.set(target, await publish(target, attested.results, { means: means.publish, options }, signal));
  }
  const published = plan.exports.map((target) => images.get(target)).filter((image) => image !== undefined);
  for (const image of published) means.report({ kind: "notice", message: describeEvidence(image) });
  return published.at(-1);
}

function isPushed(target: ExportTarget): boolean {
  return target.kind === "image" && target.push !== "no";
}
