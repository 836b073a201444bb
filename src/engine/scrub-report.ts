import type { Digest } from "../content/digest.ts";
import type { BuildEvent, ReportEvent, SourceExcerpt } from "../progress/event.ts";
import type { LineScrubber } from "../scrub/line-scrubber.ts";

/** How texts lose their secrets before somebody sees them. */
export interface Masking {
  text(text: string): string;
  dockerfile(text: string, filename: string): string;
  /** For what one program prints to one stream. */
  lines(): LineScrubber;
}

type Output = Extract<BuildEvent, { readonly kind: "step-output" }>;

/** Every event without secrets. What a step prints is told line by line, so that a secret cannot pass in two pieces; at its end, the rest. */
export function scrubReport(report: ReportEvent, masking: Masking): ReportEvent {
  const printing = new Map<string, { readonly lines: LineScrubber; last: Output }>();
  const excerptOf = rememberingExcerpt(masking);
  const tell = (output: Output, bytes: Uint8Array): void => {
    if (bytes.byteLength > 0) report({ ...output, bytes });
  };
  const flush = (step: Digest): void => {
    for (const stream of ["stdout", "stderr"]) {
      const printed = printing.get(`${step} ${stream}`);
      if (printed !== undefined) tell(printed.last, printed.lines.end());
      printing.delete(`${step} ${stream}`);
    }
  };
  return (event) => {
    switch (event.kind) {
      case "step-planned": {
        const group = event.group && { ...event.group, name: masking.text(event.group.name) };
        return report({ ...event, name: masking.text(event.name), ...(group === undefined ? {} : { group }) });
      }
      case "step-started":
      case "step-cached":
        return report({ ...event, name: masking.text(event.name) });
      case "step-output": {
        const key = `${event.step} ${event.stream}`;
        const printed = printing.get(key) ?? { lines: masking.lines(), last: event };
        printing.set(key, printed);
        printed.last = event;
        return tell(event, printed.lines.push(event.bytes));
      }
      case "step-progress":
        return report({ ...event, id: masking.text(event.id) });
      case "step-explained":
        return report({ ...event, message: masking.text(event.message) });
      case "step-finished":
        flush(event.step);
        return report(event);
      case "step-failed":
        flush(event.step);
        return report({ ...event, message: masking.text(event.message) });
      case "warning":
        return report({ ...event, message: masking.text(event.message), detail: masking.text(event.detail), location: excerptOf(event.location) });
      case "notice":
        return report({ ...event, message: masking.text(event.message) });
    }
  };
}

/** Lines of a Dockerfile as they may be shown. */
export function scrubExcerpt(excerpt: SourceExcerpt | undefined, masking: Pick<Masking, "dockerfile">): SourceExcerpt | undefined {
  return excerpt && { ...excerpt, text: masking.dockerfile(excerpt.text, excerpt.filename) };
}

/** Many warnings speak of one file. */
function rememberingExcerpt(masking: Masking): (excerpt: SourceExcerpt | undefined) => SourceExcerpt | undefined {
  let last: { readonly text: string; readonly scrubbed: string } | undefined;
  return (excerpt) => {
    if (excerpt === undefined) return undefined;
    if (last?.text !== excerpt.text) last = { text: excerpt.text, scrubbed: masking.dockerfile(excerpt.text, excerpt.filename) };
    return { ...excerpt, text: last.scrubbed };
  };
}
