import type { BuildEvent, ReportEvent } from "../progress/event.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { BuildError } from "./build-error.ts";

/** Keeps secrets that we ourselves put into words out of the log: BuildKit expands build arguments in the names of steps. */
export interface LogScrubber {
  report(report: ReportEvent): ReportEvent;
  /** The same for what a failed build has to show. Anything else than a BuildError stays as it is. */
  failure(error: unknown): unknown;
}

/** Learns the values of build arguments whose names say that they are secret. What a command prints is its own affair. */
export function logScrubber(buildArgs: ReadonlyMap<string, string>): LogScrubber {
  const scrubber = new Scrubber();
  for (const [name, value] of buildArgs) scrubber.learnVariable(name, value);
  const text = (shown: string): string => scrubber.text(shown, "log");
  return {
    report: (report) => (event) => report(scrubbed(event, text)),
    failure(error) {
      if (!(error instanceof BuildError)) return error;
      const { code, retryable, excerpt, exitCode, report, message } = error;
      return new BuildError(text(message), { code, retryable, excerpt, exitCode, report: text(report) }, { cause: error.cause });
    },
  };
}

function scrubbed(event: BuildEvent, text: (shown: string) => string): BuildEvent {
  switch (event.kind) {
    case "step-started":
    case "step-cached":
      return { ...event, name: text(event.name) };
    case "step-failed":
    case "warning":
    case "notice":
      return { ...event, message: text(event.message) };
    case "step-output":
    case "step-progress":
    case "step-finished":
      return event;
  }
}
