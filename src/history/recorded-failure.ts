import type { BuildEvent, SourceExcerpt } from "../progress/event.ts";
import { describeExcerpt, describeFailedStep } from "../progress/failure-report.ts";
import { LastLines } from "../progress/last-lines.ts";
import { sourcePlace } from "../progress/source-place.ts";
import type { BuildFailure } from "./build-record.ts";
import { decodeExternalError, failedVertex } from "./external-error.ts";

export interface RecordedError {
  readonly code?: number;
  readonly message?: string;
}

/**
 * A failure of BuildKit's record with what its client showed of it: the step and the end of its output are in the log, the lines of the Dockerfile in
 * `details`, a google.rpc.Status. Throws HistoryError "damaged".
 */
export function recordedFailure({ code = 2, message = "" }: RecordedError, details: Uint8Array | undefined, events: readonly BuildEvent[]): BuildFailure {
  const told = details === undefined ? [] : decodeExternalError(details);
  const excerpt = excerptOf(told);
  const failed = events.find((event) => event.kind === "step-failed")?.step;
  const name = events.find((event) => event.kind === "step-planned" && event.step === failed);
  const report = name?.kind === "step-planned" ? describeFailedStep({ name: name.name, lastLines: lastLinesOf(events, name.step), excerpt }) : excerpt === undefined ? "" : describeExcerpt(excerpt);
  const step = failedVertex(told);
  return { code: `grpc-${code}`, message, report, ...(step !== undefined && { step }), ...(excerpt !== undefined && { source: excerpt }) };
}

function lastLinesOf(events: readonly BuildEvent[], step: string): readonly string[] {
  let last: LastLines | undefined;
  for (const event of events) {
    if (event.kind === "step-started" && event.step === step) last = new LastLines(event.at);
    if (event.kind === "step-output" && event.step === step) last?.add(event.bytes, event.at);
  }
  return last?.lines ?? [];
}

function excerptOf(details: ReturnType<typeof decodeExternalError>): SourceExcerpt | undefined {
  const place = details.flatMap((detail) => sourcePlace(detail) ?? [])[0];
  return place && { filename: place.filename, text: Buffer.from(place.data).toString("utf8"), startLine: place.startLine, endLine: place.endLine };
}
