import { asBuildError } from "../engine/build-error.ts";
import { collectAfterBuild } from "../engine/collect-after-build.ts";
import { collectionPolicies } from "../engine/collection-settings.ts";
import { openEngine, type SandboxChoice } from "../engine/engine.ts";
import { build as runBuild } from "../engine/build.ts";
import { withLayoutDigests } from "../engine/layout-digests.ts";
import { withEngines } from "../engine/plan-engines.ts";
import { planBuild } from "../engine/plan-build.ts";
import { PLAIN_MASKING, scrubFailure } from "../engine/scrub-failure.ts";
import { settingsPath } from "../engine/settings-path.ts";
import { withStreamContext } from "../engine/stream-context.ts";
import { EventQueue } from "../progress/event-queue.ts";
import type { BuildEvent } from "../progress/event.ts";
import type { BuildOutcome } from "../engine/build-outcome.ts";
import type { BuildRequest } from "../engine/build-request.ts";

export { BuildError } from "../engine/build-error.ts";
export type { BuildOutcome, EvidencePlace, PlatformOutcome } from "../engine/build-outcome.ts";
export type { BuildRequest, Compat, StreamContext } from "../engine/build-request.ts";
export { NotReproducibleError, type ChangedInput, type DifferingOutput } from "../engine/not-reproducible.ts";
export type { BuildEvent, SourceExcerpt } from "../progress/event.ts";
export type { Credential, FoundCredential } from "../registry/credential.ts";
export type { Aspect, AspectDifference } from "../rebuild/aspect.ts";
export type { LayerMaker } from "../rebuild/describe-difference.ts";
export type { PathDifference } from "../rebuild/entry-differences.ts";
export type { ImageDifference, LayerDifference } from "../rebuild/image-difference.ts";
export type { MemberDifference } from "../rebuild/member-differences.ts";
export type { SandboxChoice };

/** A build that is under way. */
export interface BuildRun {
  /** What happens, as it happens; each event once. Nobody has to read them: the result settles all the same. */
  readonly events: AsyncIterable<BuildEvent>;
  /** Rejects with BuildError, whose `code` and `retryable` say what can be done, or with the signal's reason. */
  readonly result: Promise<BuildOutcome>;
}

/**
 * Starts a build. Nothing of this process is touched: no signal handler, no directory change, no output, no
 * environment but the one given. When the result settles, no mount and no process of the build is left, and
 * after an abort that is so within five seconds.
 */
export function build(request: BuildRequest): BuildRun {
  const events = new EventQueue();
  const result = run(request, (event) => events.push(event)).finally(() => events.end());
  // Whoever only reads the events is told by their end; the rejection is for who awaits the result.
  result.catch(() => undefined);
  return { events, result };
}

async function run(request: BuildRequest, report: (event: BuildEvent) => void): Promise<BuildOutcome> {
  const signal = request.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  try {
    const policies = await collectionPolicies(settingsPath(request.env));
    const plan = await withEngines(await withLayoutDigests(planBuild(await withStreamContext(request, signal)), signal), signal);
    await using engine = await openEngine({ root: request.root, sandboxes: undefined, env: request.env, sandbox: request.sandbox ?? "auto", report });
    try {
      return await runBuild(plan, { engine, request, report }, signal);
    } finally {
      await collectAfterBuild(policies, { engine, report }, signal);
    }
  } catch (error) {
    // An abort is the caller's own doing: it gets its reason back, whatever broke on the way down.
    signal.throwIfAborted();
    throw scrubFailure(asBuildError(error), PLAIN_MASKING);
  }
}
