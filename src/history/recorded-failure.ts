import type { BuildEvent, SourceExcerpt } from "../progress/event.ts";
import { describeExcerpt, describeFailedStep } from "../progress/failure-report.ts";
import { sourcePlace } from "../progress/source-place.ts";
import type { BuildFailure } from "./build-record.ts";
import { decodeExternalError, failedVertex } from "./external-error.ts";

const OUTPUT_LINES_SHOWN = 20;

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
  const report = name?.kind === "step-planned" ? describeFailedStep({ name: name.name, outputTail: outputTail(events, name.step), excerpt }) : excerpt === undefined ? "" : describeExcerpt(excerpt);
  const step = failedVertex(told);
  return { code: `grpc-${code}`, message, report, ...(step !== undefined && { step }), ...(excerpt !== undefined && { source: excerpt }) };
}

function outputTail(events: readonly BuildEvent[], step: string): string {
  const bytes = events.flatMap((event) => (event.kind === "step-output" && event.step === step ? [event.bytes] : []));
  return Buffer.concat(bytes).toString("utf8").trimEnd().split("\n").slice(-OUTPUT_LINES_SHOWN).join("\n");
}

function excerptOf(details: ReturnType<typeof decodeExternalError>): SourceExcerpt | undefined {
  const place = details.flatMap((detail) => sourcePlace(detail) ?? [])[0];
  return place && { filename: place.filename, text: Buffer.from(place.data).toString("utf8"), startLine: place.startLine, endLine: place.endLine };
}
