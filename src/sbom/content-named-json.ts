import { createHash } from "node:crypto";
import { TimeSlice } from "../content/time-slice.ts";

/** Text is gathered to about this before it becomes bytes. */
const CHUNK_CHARACTERS = 256 * 1024;

type Members = Readonly<Record<string, unknown>>;

/**
 * A JSON object that begins with what names its contents: `head` is given their hash, in hex. Lists are written item by
 * item and may be made as they are read, so that a document of many thousands of items does not hold the event loop.
 */
export async function contentNamedJson(head: (contentsHash: string) => Members, contents: Members, signal: AbortSignal): Promise<Uint8Array> {
  const members = await jsonMembers(contents, signal);
  const hash = createHash("sha256");
  for (const chunk of members) hash.update(chunk);
  return Buffer.concat([Buffer.from("{"), ...(await jsonMembers(head(hash.digest("hex")), signal)), Buffer.from(","), ...members, Buffer.from("}\n")]);
}

async function jsonMembers(members: Members, signal: AbortSignal): Promise<Buffer[]> {
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

function* pieces(members: Members): Generator<string> {
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
