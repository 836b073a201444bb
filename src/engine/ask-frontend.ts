import type { FrontendRequest } from "../frontend/frontend.ts";
import type { Gateway } from "../frontend/gateway.ts";
import { hostPlatform } from "../host/host-platform.ts";
import { systemClock } from "../host/clock.ts";
import { randomId } from "../host/random.ts";
import type { ReportEvent } from "../progress/event.ts";
import { openDockerfile } from "../frontend/dockerfile/build.ts";
import { frontendRequest } from "./frontend-request.ts";
import { asBuildError } from "./build-error.ts";
import { openBuildMeans } from "./build-means.ts";
import type { BuildRequest } from "./build-request.ts";
import { openEngine } from "./engine.ts";
import { logScrubber, type LogScrubber } from "./log-scrubber.ts";
import { dockerfileName } from "./planned-dockerfile.ts";
import { PLAIN_MASKING, scrubFailure } from "./scrub-failure.ts";
import { explainFailure, type Seen } from "./explain-failure.ts";
import type { Forwarding, ForwardingEngine } from "./forward-dockerfile.ts";
import { frontendAttributes } from "./frontend-attributes.ts";
import { admittedFrontend } from "./admitted-source.ts";
import { wantedFrontend } from "./frontend-syntax.ts";
import { engineGateway } from "./gateway.ts";
import { withLayoutDigests } from "./layout-digests.ts";
import { offlineGateway, type ImageTable } from "./offline-gateway.ts";
import { planBuild } from "./plan-build.ts";
import { withStreamContext } from "./stream-context.ts";

/** A question to the frontend: what it compiles to, what is wrong with it, what it takes. */
export type FrontendQuestion<Answer> = (gateway: Gateway, request: FrontendRequest, signal: AbortSignal, report: ReportEvent) => Promise<Answer>;

/** What to ask of the built-in frontend, and what of one that is an image. */
export interface FrontendQuestions<Answer> {
  readonly builtIn: FrontendQuestion<Answer>;
  readonly image: (forwarding: Forwarding, engine: ForwardingEngine, signal: AbortSignal) => Promise<Answer>;
}

export interface OfflineMeans {
  readonly images: ImageTable;
  /** What stands for the session in the graph; empty for none. */
  readonly sessionId: string;
}

/** Asks about the Dockerfile of a build without building it. Images are looked up in registries. Throws BuildError. */
export async function askFrontend<Answer>(request: BuildRequest, report: ReportEvent, questions: FrontendQuestions<Answer>): Promise<Answer> {
  const signal = request.signal ?? new AbortController().signal;
  try {
    const plan = await withLayoutDigests(planBuild(await withStreamContext(request, signal)), signal);
    const log = logScrubber(plan);
    await using engine = await openEngine({ root: request.root, sandboxes: undefined, env: request.env, sandbox: request.sandbox ?? "auto", report });
    await using means = await openBuildMeans(plan, { id: randomId(), startedNs: systemClock.nowNs(), engine, request, log, report: log.report(report) }, signal);

    const { attributes, seen } = means;
    return await explained(seen, log, async () => {
      const gateway = engineGateway(means, means.onRead);
      const frontend = frontendRequest(means, attributes, new Map());
      const { dockerfile } = await openDockerfile(gateway, frontend, signal);
      const wanted = await admittedFrontend(wantedFrontend(dockerfile.data, attributes), attributes, means.services, signal);
      return wanted === undefined ? await questions.builtIn(gateway, frontend, signal, means.report) : await questions.image({ wanted, dockerfile }, { means, gateway }, signal);
    });
  } catch (error) {
    signal.throwIfAborted();
    throw scrubFailure(asBuildError(error), PLAIN_MASKING);
  }
}

/** The same with images from a table: no network, no state, and the same graph each time. Throws BuildError. */
export async function askOffline<Answer>(request: BuildRequest, { images, sessionId }: OfflineMeans, question: FrontendQuestion<Answer>): Promise<Answer> {
  const signal = request.signal ?? new AbortController().signal;
  try {
    const plan = planBuild(await withStreamContext(request, signal));
    const platform = hostPlatform();
    const seen: Seen = { graphs: [], files: new Map(), failedStep: () => undefined, lastLines: () => [], dockerfileName: dockerfileName(plan.dockerfile) };
    return await explained(seen, logScrubber(plan), async () => await question(offlineGateway(plan, images, (path, bytes) => seen.files.set(path, bytes)), {
      opts: frontendAttributes(plan), sessionId, workerPlatforms: [platform], hostPlatform: platform, disabledCapabilities: new Set(), inputs: new Map(), scanArguments: new Map(),
    }, signal, () => undefined));
  } catch (error) {
    signal.throwIfAborted();
    throw scrubFailure(asBuildError(error), PLAIN_MASKING);
  }
}

async function explained<Answer>(seen: Seen, log: LogScrubber, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw log.failure(explainFailure(error, seen));
  }
}
