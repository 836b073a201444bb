import { TimeSlice } from "../content/time-slice.ts";

/** Text is gathered to about this before it becomes bytes. */
const CHUNK_CHARACTERS = 256 * 1024;

/**
 * Members of a JSON object without its braces, as bytes. A list is written item by item and may be made as it is read,
 * so that a document of many thousands of items does not hold the event loop.
 */
export async function jsonMembers(members: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  const slice = new TimeSlice();
  let text = "";
  for (const piece of pieces(members)) {
    text += piece;
    if (text.length >= CHUNK_CHARACTERS) {
      chunks.push(Buffer.from(text));
      text = "";
    }
    if (slice.isSpent) await slice.renew(signal);
  }
  return [...chunks, Buffer.from(text)];
}

function* pieces(members: Readonly<Record<string, unknown>>): Generator<string> {
  let comma = "";
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue;
    yield `${comma}${JSON.stringify(name)}:`;
    comma = ",";
    if (isList(value)) yield* listPieces(value);
    else yield JSON.stringify(value);
  }
}

function* listPieces(items: Iterable<unknown>): Generator<string> {
  let comma = "[";
  for (const item of items) {
    yield comma + JSON.stringify(item);
    comma = ",";
  }
  yield comma === "[" ? "[]" : "]";
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
