import { join } from "node:path";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent, ReportEvent } from "../progress/event.ts";
import { borrowingLayerStore } from "../snapshot/borrowing-layer-store.ts";
import { borrowingBlobStore } from "../store/borrowing-blob-store.ts";
import { openBuildMeans, type BuildMeans } from "./build-means.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import type { LogScrubber } from "./log-scrubber.ts";
import { openEngine, SANDBOXES } from "./engine.ts";

/** Stands before the names of the second run's steps. */
export const SECOND_RUN = "second build: ";

/** A build that is under way, with the request that it came from. */
export interface RunningBuild {
  readonly means: BuildMeans;
  readonly request: BuildRequest;
  readonly log: LogScrubber;
}

/**
 * What a second run of a build works with: a state of its own that is empty, so no step, no cache mount and no digest of a
 * file is remembered, and other paths. Only bytes named by a digest are borrowed from the first: those of base images, of which each
 * file is checked.
 * Disposing takes all of it away; what a killed process leaves lies in the workspace, which is swept.
 */
export async function openSecondRun(plan: BuildPlan, { means, request, log }: RunningBuild, signal: AbortSignal): Promise<BuildMeans> {
  await using opening = new AsyncDisposableStack();
  const { state, layers } = means.engine;
  const root = state.workspace.claim();
  opening.defer(() => state.workspace.discard(root));
  const report = secondRunReport(means.report);
  const own = opening.use(await openEngine({ root, sandboxes: join(state.root, SANDBOXES), env: request.env, sandbox: request.sandbox ?? "auto", report }));
  const engine = { ...own, layers: borrowingLayerStore(own.layers, layers), state: { ...own.state, blobs: borrowingBlobStore(own.state.blobs, state.blobs) } };
  const context: BuildPlan["context"] = means.archive === undefined ? plan.context : { kind: "archive", bytes: state.blobs.read(means.archive, signal) };
  const second = opening.use(await openBuildMeans({ ...plan, context, cache: { imports: [], exports: [] } }, { id: means.id, startedNs: means.startedNs, engine, request, log, report }, signal));
  const closing = opening.move();
  return { ...second, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

/** Steps under names of their own. What is said of the Dockerfile and of this machine was said in the first run. */
function secondRunReport(report: ReportEvent): ReportEvent {
  return (event) => {
    if (event.kind === "warning" || event.kind === "notice") return;
    const step = digestOf(Buffer.from(SECOND_RUN + event.step));
    report("name" in event ? { ...event, step, name: SECOND_RUN + event.name } : ({ ...event, step } satisfies BuildEvent));
  };
}
