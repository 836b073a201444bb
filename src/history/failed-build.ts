import { STOPPED, type BuildEvent } from "../progress/event.ts";
import { parseEventLog } from "./event-log.ts";
import type { BuildRecord } from "./build-record.ts";

const LOG_LINES_SHOWN = 16;
/** google.rpc.Code, whose names are those of Go. */
const CODES = ["OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated"];
/** BuildKit gives most of what fails in a build no code of its own; where it does, its name stands before the words. */
const [CANCELED, UNKNOWN, ABORTED] = [1, 2, 10];
const OWN_CODE = new RegExp(`^failed to solve: (?:(${CODES.slice(3).join("|")}): (?=process "))?`);

/** Why a build did not come to its end, in BuildKit's words; `step` is the one that failed, where one did. */
export interface FailedBuild {
  readonly code: number;
  readonly codeName: string;
  readonly message: string;
  readonly step: string;
  /** The last lines that the step wrote. */
  readonly logs: readonly string[];
}

/** Undefined of a build that completed, or that runs. */
export function failedBuild({ record, log }: { readonly record: BuildRecord; readonly log: string }): FailedBuild | undefined {
  if (record.status === "completed" || record.status === "running") return undefined;
  const failed = record.error?.step;
  const code = failureCode(record);
  return {
    code, codeName: CODES[code] ?? `Code(${code})`, message: failureMessage(record),
    step: record.steps.find(({ digest }) => digest === failed)?.name ?? "",
    logs: failed === undefined ? [] : lastLines(outputOf(parseEventLog(log), failed)),
  };
}

/** google.rpc.Code as BuildKit would have recorded it; of a record of its own, as it did. */
export function failureCode({ status, error }: Pick<BuildRecord, "status" | "error">): number {
  if (status === "canceled") return CANCELED;
  if (status === "interrupted") return ABORTED;
  const [, own] = /^grpc-(\d{1,2})$/.exec(error?.code ?? "") ?? [];
  const [, named] = OWN_CODE.exec(error?.message ?? "") ?? [];
  return own !== undefined ? Number(own) : named === undefined ? UNKNOWN : CODES.indexOf(named);
}

/** Its client begins a message with the words that are left out here. */
export function failureMessage({ error }: Pick<BuildRecord, "error">): string {
  return error === null ? STOPPED : error.message.replace(OWN_CODE, "");
}

type Output = Extract<BuildEvent, { readonly kind: "step-output" }>;

function* outputOf(events: Iterable<BuildEvent>, step: string): Generator<Output> {
  for (const event of events) if (event.kind === "step-output" && event.step === step) yield event;
}

/** In the order in which they began; a line that comes in pieces is one, whatever the other stream writes meanwhile. */
function lastLines(output: Iterable<Output>): readonly string[] {
  const lines: Buffer[] = [];
  const open = new Map<Output["stream"], number>();
  for (const { stream, bytes } of output) {
    const [first = "", ...rest] = Buffer.from(bytes).toString("latin1").split("\n").map((part) => Buffer.from(part, "latin1"));
    const begun = open.get(stream);
    const parts = begun === undefined ? [first, ...rest] : rest;
    if (begun !== undefined) lines[begun] = Buffer.concat([lines[begun] ?? Buffer.alloc(0), Buffer.from(first)]);
    if (begun === undefined || rest.length > 0) open.delete(stream);
    parts.forEach((part, position) => {
      if (part.length === 0) return;
      lines.push(Buffer.from(part));
      if (position === parts.length - 1) open.set(stream, lines.length - 1);
    });
  }
  return lines.slice(-LOG_LINES_SHOWN).map((line) => line.toString("utf8"));
}
