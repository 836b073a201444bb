import { digestOf, type Digest } from "../content/digest.ts";
import { originalError } from "../content/original-error.ts";
import { rfc3339Nano } from "../content/timestamp.ts";
import { HISTORY_BOUNDS, type BuildHistory } from "../history/build-history.ts";
import { RECORD_VERSION, refOf, type AttachmentRecord, type BuildFailure, type BuildRecord, type BuildStatus } from "../history/build-record.ts";
import { buildName } from "../history/build-name.ts";
import { EventLog } from "../history/event-log.ts";
import type { LiveRun } from "../history/running-builds.ts";
import { StepRecorder } from "../history/step-record.ts";
import type { Clock } from "../host/clock.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { ReportEvent } from "../progress/event.ts";
import { materialsOf } from "../provenance/materials.ts";
import { isCycloneDx, isProvenance, isSpdx } from "../provenance/predicate-type.ts";
import { VertexError } from "../solver/vertex-error.ts";
import { asBuildError, BuildError } from "./build-error.ts";
import type { BuildMeans } from "./build-means.ts";
import type { BuildOutcome } from "./build-outcome.ts";
import type { BuildPlan } from "./build-plan.ts";
import { frontendAttributes } from "./frontend-attributes.ts";
import type { LogScrubber } from "./log-scrubber.ts";
import type { AttestedResults, PlatformStatement } from "./results.ts";

const IN_TOTO = "application/vnd.in-toto+json";

/** Others see nothing of a build that is faster: it has ended before they have looked, and is not made slower. */
const SHOWN_AFTER_MS = 300;
/** Values that somebody chose are not shown before all that is secret is known. */
const CHOSEN = /^(?:build-arg|label):/;

export interface RecordedRun {
  readonly id: string;
  readonly plan: BuildPlan;
  readonly log: LogScrubber;
  readonly clock: Clock;
  readonly history: BuildHistory;
}

/** What a build that came to its end leaves for its record. */
export interface CompletedRun {
  readonly outcome: BuildOutcome;
  readonly attested: AttestedResults;
}

/** Follows one run of a build and writes it into the history, however it ends. What it is told has been scrubbed; the rest it scrubs. */
export class RunRecorder {
  readonly startedNs: bigint;
  readonly #run: RecordedRun;
  readonly #steps = new StepRecorder();
  readonly #events = new EventLog();
  readonly #shown: NodeJS.Timeout;
  #live: LiveRun | undefined;
  #isPlanned = false;

  constructor(run: RecordedRun) {
    this.#run = run;
    this.startedNs = run.clock.nowNs();
    this.#shown = setTimeout(() => this.#show(), SHOWN_AFTER_MS).unref();
  }

  /** Passes every event on, and follows it. */
  following(report: ReportEvent): ReportEvent {
    return (event) => {
      this.#steps.add(event);
      const line = this.#events.add(event);
      if (line !== undefined) this.#live?.append(line);
      // By now the Dockerfile was read, and what in it is a secret is known.
      if (event.kind === "step-planned" && !this.#isPlanned) {
        this.#isPlanned = true;
        this.#live?.update(this.#begun());
      }
      report(event);
    };
  }

  #show(): void {
    this.#live = this.#run.history.begin(this.#begun());
    this.#live.append(this.#events.text());
  }

  /** What others see while it goes. */
  #begun(): BuildRecord {
    const attributes = this.#attributes(new Map([...frontendAttributes(this.#run.plan)].filter(([name]) => this.#isPlanned || !CHOSEN.test(name))));
    return { ...this.#described(attributes), status: "running", completedAt: rfc3339Nano(this.startedNs), warnings: 0, steps: [], attachments: [], error: null, names: [], image: null, materials: [] };
  }

  #described(attributes: BuildRecord["attributes"]): Pick<BuildRecord, "version" | "id" | "ref" | "name" | "startedAt" | "context" | "dockerfile" | "target" | "platforms" | "attributes"> {
    const { id, plan, log } = this.#run;
    const context = log.text(contextOf(plan));
    return {
      version: RECORD_VERSION, id, ref: refOf(id), name: buildName(attributes, context), startedAt: rfc3339Nano(this.startedNs),
      context, dockerfile: log.text(dockerfileOf(plan)), target: plan.target ?? null, platforms: plan.platforms.map(formatPlatform), attributes,
    };
  }

  async completed({ outcome, attested }: CompletedRun, means: BuildMeans): Promise<void> {
    const attachments: Array<readonly [AttachmentRecord, Uint8Array]> = [...attested.statements.values()].map((statement) => [attachmentOf(statement, this.#run.plan.platforms.length > 1), statement.bytes]);
    const metadata = Buffer.from(outcome.metadata);
    attachments.push([{ digest: digestOf(metadata), type: "metadata", mediaType: "application/json", predicateType: null, sizeBytes: metadata.byteLength }, metadata]);
    const { image, names } = outcome;
    await this.#save("completed", means, attachments, {
      error: null,
      names: names.map((name) => this.#run.log.text(name)),
      image: image === undefined ? null : { mediaType: image.mediaType, digest: image.digest, sizeBytes: image.size },
      materials: this.#materials(attested),
    });
  }

  /** `error` is what the caller gets; undefined: the run was aborted. `means` is undefined where it ended before there were any. */
  async failed(error: unknown, means: BuildMeans | undefined): Promise<void> {
    const failure = error === undefined ? null : failureOf(error);
    await this.#save(failure === null ? "canceled" : "error", means, [], { error: failure, names: [], image: null, materials: [] });
  }

  async #save(status: BuildStatus, means: BuildMeans | undefined, attachments: ReadonlyArray<readonly [AttachmentRecord, Uint8Array]>, ended: Pick<BuildRecord, "error" | "names" | "image" | "materials">): Promise<void> {
    const { plan, log, clock, history } = this.#run;
    try {
      const attributes = this.#attributes(means?.attributes ?? frontendAttributes(plan));
      const graph = (means?.seen.graphs ?? []).flatMap(({ vertices }) => [...vertices.values()].map(({ digest, name }) => ({ digest, name: log.text(name) })));
      const record: BuildRecord = {
        ...this.#described(attributes), status, completedAt: rfc3339Nano(clock.nowNs()),
        warnings: this.#steps.warnings, steps: this.#steps.records(graph, status), attachments: attachments.map(([attachment]) => attachment), ...ended,
      };
      await history.save({ record, log: this.#events.text(), attachments: new Map(attachments.map(([{ digest }, bytes]) => [digest, bytes])) });
    } finally {
      // Whatever became of the record, the run goes on no more.
      clearTimeout(this.#shown);
      this.#live?.end();
    }
    await history.settle();
    await history.keepWithin(HISTORY_BOUNDS);
  }

  #attributes(attributes: ReadonlyMap<string, string>): Record<string, string> {
    const { log } = this.#run;
    return Object.fromEntries([...attributes].map(([key, value]) => {
      const [, name] = /^(?:build-arg|label):(.*)$/s.exec(key) ?? [];
      return [log.text(key), name === undefined ? log.text(value) : log.variable(name, value)];
    }));
  }

  #materials({ parts }: AttestedResults): BuildRecord["materials"] {
    const all = parts.flatMap(({ record }) => materialsOf(record.capture)).map(({ uri, digest }) => ({ uri: this.#run.log.text(uri), digest: Object.entries(digest ?? {}).map(([kind, hex]) => `${kind}:${hex}`).join(" ") }));
    return [...new Map(all.map((material) => [`${material.uri} ${material.digest}`, material])).values()];
  }
}

function attachmentOf({ predicateType, bytes, platform }: PlatformStatement, isOneOfSeveral: boolean): AttachmentRecord {
  const type = isProvenance(predicateType) ? "provenance" : isSpdx(predicateType) || isCycloneDx(predicateType) ? "sbom" : "statement";
  return { digest: digestOf(bytes), type, mediaType: IN_TOTO, predicateType, sizeBytes: bytes.byteLength, ...(isOneOfSeveral && { platform: formatPlatform(platform) }) };
}

function failureOf(thrown: unknown): BuildFailure {
  const error = asBuildError(originalError(thrown));
  if (error instanceof BuildError) {
    const { code, message, report, excerpt, exitCode } = error;
    const step = failedVertex(error);
    return { code, message, report, ...(step !== undefined && { step }), ...(excerpt !== undefined && { source: excerpt }), ...(exitCode !== undefined && { exitCode }) };
  }
  return { code: "internal", message: error instanceof Error ? error.message : String(error), report: "" };
}

function failedVertex(error: unknown): Digest | undefined {
  if (error instanceof VertexError) return error.vertex;
  return error instanceof Error ? failedVertex(error.cause) : undefined;
}

function contextOf({ context }: BuildPlan): string {
  switch (context.kind) {
    case "directory":
      return context.path;
    case "remote":
      return context.url;
    case "archive":
    case "empty":
      return "-";
  }
}

function dockerfileOf({ dockerfile }: BuildPlan): string {
  return dockerfile.kind === "text" ? "-" : dockerfile.kind === "remote" ? dockerfile.url : dockerfile.name;
}
