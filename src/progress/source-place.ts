/** Where a failure stands in a source that a frontend read. */
export interface FailurePlace {
  readonly filename: string;
  readonly data: Uint8Array;
  readonly startLine: number;
  readonly endLine: number;
}

/** One of the details of google.rpc.Status. */
interface ErrorDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/** BuildKit's typed details are JSON, named after the Go type. */
const SOURCE_TYPE = "github.com/moby/buildkit/errdefs.Source+json";

/** Undefined for a detail that speaks of something else, or that cannot be read. */
export function sourcePlace({ typeUrl, value }: ErrorDetail): FailurePlace | undefined {
  if (typeUrl !== SOURCE_TYPE) return undefined;
  const detail = parseDetail(value);
  const lines = (detail.ranges ?? []).flatMap(({ start, end }) => (start?.line === undefined ? [] : [[start.line, end?.line ?? start.line] as const]));
  if (detail.info?.data === undefined || lines.length === 0) return undefined;
  return {
    filename: detail.info.filename ?? "",
    data: Buffer.from(detail.info.data, "base64"),
    startLine: Math.min(...lines.map(([start]) => start)),
    endLine: Math.max(...lines.map(([, end]) => end)),
  };
}

/** The same the other way round. */
export function sourceDetail({ filename, data, startLine, endLine }: FailurePlace): ErrorDetail {
  const detail = { info: { filename, data: Buffer.from(data).toString("base64") }, ranges: [{ start: { line: startLine }, end: { line: endLine } }] };
  return { typeUrl: SOURCE_TYPE, value: Buffer.from(JSON.stringify(detail)) };
}

interface SourceDetail {
  readonly info?: { readonly filename?: string; readonly data?: string };
  readonly ranges?: ReadonlyArray<{ readonly start?: { readonly line?: number }; readonly end?: { readonly line?: number } }>;
}

/** A detail that cannot be read says nothing; the failure itself is told all the same. */
function parseDetail(value: Uint8Array): SourceDetail {
  try {
    const detail: unknown = JSON.parse(Buffer.from(value).toString("utf8"));
    // BuildKit's errdefs.Source; what lacks is looked at as such.
    return typeof detail === "object" && detail !== null ? (detail as SourceDetail) : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
