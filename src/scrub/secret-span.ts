/** What stands where a secret stood: BuildKit's mark, so that records of both look alike. */
export const MASK = "xxxxx";

/** What a secret was known by. The table in docs/provenance.md has each. */
export type SecretKind = "url-credentials" | "proxy-credentials" | "secret-variable" | "known-secret" | "token" | "authorization" | "private-key" | "encoded-secret";

/** A part of a text that is a secret: from `start` up to, not including, `end`. */
export interface SecretSpan {
  readonly start: number;
  readonly end: number;
  readonly kind: SecretKind;
  /** Of the variable, option or member that holds it. */
  readonly name?: string;
}

/** In the order of the text, none within or across another: of two that meet, the first and its kind, as long as both. */
export function settleSpans(spans: readonly SecretSpan[]): readonly SecretSpan[] {
  if (spans.length === 0) return spans;
  const settled: SecretSpan[] = [];
  for (const span of spans.filter(({ start, end }) => end > start).toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = settled.at(-1);
    if (last === undefined || span.start >= last.end) settled.push(span);
    else if (span.end > last.end) settled[settled.length - 1] = { ...last, end: span.end };
  }
  return settled;
}

/** The text with a mask in place of each span, of spans that are settled. The number of lines stays. */
export function maskSpans(text: string, spans: readonly SecretSpan[]): string {
  let masked = "";
  let done = 0;
  for (const { start, end } of spans) {
    masked += text.slice(done, start) + maskOf(text.slice(start, end));
    done = end;
  }
  return done === 0 ? text : masked + text.slice(done);
}

/** A secret over several lines keeps their ends, and the marks by which a Dockerfile continues them. */
function maskOf(secret: string): string {
  return secret.includes("\n") ? secret.replace(/[^\s\\`]+/g, MASK) : MASK;
}
