import { goJson } from "../content/go-json.ts";
import type { Digest } from "../content/digest.ts";
import type { BuildEvent, StepGroup, WarnedExcerpt, WarningEvent } from "./event.ts";
import { warningText } from "./warning-text.ts";

interface Vertex {
  readonly digest: Digest;
  readonly inputs?: readonly Digest[];
  readonly name: string;
  started?: string;
  completed?: string;
  cached?: true;
  error?: string;
  readonly progressGroup?: { readonly id: string; readonly name: string; readonly weak?: true };
}

/** BuildKit's VertexWarning. */
export interface WarningObject {
  readonly vertex?: Digest;
  readonly level: number;
  readonly short: string;
  readonly detail?: readonly string[];
  readonly url?: string;
  readonly sourceInfo?: { readonly filename: string; readonly data: string; readonly definition?: unknown; readonly language?: string };
  readonly range?: ReadonlyArray<Readonly<Record<"start" | "end", { readonly line: number }>>>;
}

const STREAM = { stdout: 1, stderr: 2 } as const;

/**
 * One JSON object a line, in the shape of BuildKit's SolveStatus: `vertexes`, `statuses`, `logs`, `warnings`; bytes are base64, times
 * RFC 3339. A vertex is told whole each time that something about it changes.
 */
export function rawJsonRenderer(write: (text: string) => void): (event: BuildEvent) => void {
  const vertexes = new Map<Digest, Vertex>();
  const partsStarted = new Map<string, string>();
  const tell = (status: object): void => write(`${goJson(status)}\n`);
  const tellVertex = (step: Digest, change: Partial<Vertex>): void => {
    const vertex = vertexes.get(step);
    if (vertex === undefined) return;
    const { progressGroup, ...rest } = Object.assign(vertex, change);
    tell({ vertexes: [{ ...rest, ...(progressGroup === undefined ? {} : { progressGroup }) }] });
  };
  const begin = (step: Digest, name: string, change: Partial<Vertex>): void => {
    if (!vertexes.has(step)) vertexes.set(step, { digest: step, name });
    tellVertex(step, change);
  };
  return (event) => {
    switch (event.kind) {
      case "step-planned":
        vertexes.set(event.step, { digest: event.step, ...(event.inputs.length === 0 ? {} : { inputs: event.inputs }), name: event.name, ...(event.group === undefined ? {} : { progressGroup: groupObject(event.group) }) });
        return tellVertex(event.step, {});
      case "step-started":
        // One that ended may go on.
        delete vertexes.get(event.step)?.completed;
        return begin(event.step, event.name, { started: timeText(event.at) });
      case "step-cached":
        return begin(event.step, event.name, { started: timeText(event.at), completed: timeText(event.at), cached: true });
      case "step-finished":
        return tellVertex(event.step, { completed: timeText(event.at) });
      case "step-failed":
        return tellVertex(event.step, { completed: timeText(event.at), error: event.message });
      case "step-explained":
        // BuildKit has no place for it.
        return;
      case "step-output":
        return tell({ logs: [{ vertex: event.step, stream: STREAM[event.stream], data: Buffer.from(event.bytes).toString("base64"), timestamp: timeText(event.at) }] });
      case "step-progress":
        return tell({ statuses: [partStatus(event, partsStarted)] });
      case "warning":
        return tell({ warnings: [warningObject(event)] });
      case "notice":
        // BuildKit has no place for it that is no step's. Who counts warnings is not to count what went well.
        return event.isResult ? undefined : tell({ warnings: [{ level: 1, short: Buffer.from(event.message.replace(/^WARNING: /, "")).toString("base64") }] });
    }
  };
}

function groupObject({ id, name, weak }: StepGroup): NonNullable<Vertex["progressGroup"]> {
  return { id, name, ...(weak ? { weak } : {}) };
}

function partStatus({ step, id, doneBytes, totalBytes, finished, at }: Extract<BuildEvent, { readonly kind: "step-progress" }>, startedAt: Map<string, string>): object {
  const key = `${step} ${id}`;
  const started = startedAt.get(key) ?? timeText(at);
  startedAt.set(key, started);
  return { id, vertex: step, ...(totalBytes === undefined || totalBytes === 0 ? {} : { total: totalBytes }), current: doneBytes, timestamp: timeText(at), started, ...(finished ? { completed: timeText(at) } : {}) };
}

/** A warning as BuildKit's clients write it: texts in base64, ranges by line. */
export function warningObject(warning: WarningEvent): WarningObject {
  const { step, url, detail, location } = warning;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    ...(step === undefined ? {} : { vertex: step }),
    level: 1,
    short: base64(warningText(warning)),
    ...(detail === "" ? {} : { detail: [base64(detail)] }),
    ...(url === "" ? {} : { url }),
    ...(location === undefined ? {} : {
      sourceInfo: sourceInfo(location),
      range: [{ start: { line: location.startLine }, end: { line: location.endLine } }],
    }),
  };
}

function sourceInfo({ filename, text, definition, language }: WarnedExcerpt): NonNullable<WarningObject["sourceInfo"]> {
  return { filename, data: Buffer.from(text).toString("base64"), ...(definition === undefined ? {} : { definition }), ...(language === undefined ? {} : { language }) };
}

/** As Go writes it: fractions without zeros at their end. */
function timeText(at: Date): string {
  return at.toISOString().replace(/\.?0*Z$/, "Z");
}
