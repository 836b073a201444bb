import { goJson } from "../content/go-json.ts";
import type { HistoryOrigin, HistoryPart } from "../frontend/dockerfile/convert/docker-image.ts";
import type { Range } from "../frontend/dockerfile/source-range.ts";
import type { HistoryEntry } from "../oci/image-config.ts";
import type { Redaction, Scrubber } from "../scrub/scrubber.ts";
import { HistoryReader } from "./history-text.ts";

/** What was masked of a history, and at which lines the instruction stands, where that is known. */
export interface HistoryRedaction extends Redaction {
  readonly location: readonly Range[];
}

export interface ScrubbedHistory {
  readonly config: Uint8Array;
  readonly redactions: readonly HistoryRedaction[];
}

export interface HistoryPolicy {
  readonly scrubber: () => Scrubber;
  readonly args: "keep" | "drop";
}

/** Entries without an origin are a base's. A configuration with its history as it may be published. One that has nothing to hide, and keeps its arguments, keeps its bytes. */
export function scrubHistory(config: Uint8Array, origins: ReadonlyArray<HistoryOrigin | undefined>, policy: HistoryPolicy): ScrubbedHistory {
  // Made by a frontend, and looked at by whoever exports it.
  const image = JSON.parse(Buffer.from(config).toString("utf8")) as { readonly history?: readonly HistoryEntry[] };
  const { history = [] } = image;
  const redactions: HistoryRedaction[] = [];
  const reader = new HistoryReader();
  const scrubbed = history.map((entry, i) => {
    const origin = origins[i];
    const scrubber = policy.scrubber();
    const said = scrubEntry(entry, { origin: origin ?? reader.read(entry.created_by ?? ""), place: `history[${i}]`, scrubber, withoutArgs: origin !== undefined && policy.args === "drop" });
    // A line of an entry is no place of its own.
    redactions.push(...scrubber.redactions.map((redaction) => ({ ...redaction, place: `history[${i}]`, location: origin?.location ?? [] })));
    return said;
  });
  const isSame = scrubbed.every((entry, i) => entry === history[i]);
  return { config: isSame ? config : Buffer.from(goJson({ ...image, history: scrubbed })), redactions };
}

interface EntryPolicy {
  readonly origin: Pick<HistoryOrigin, "parts" | "withoutArgs">;
  readonly place: string;
  readonly scrubber: Scrubber;
  readonly withoutArgs: boolean;
}

function scrubEntry(entry: HistoryEntry, { origin, place, scrubber, withoutArgs }: EntryPolicy): HistoryEntry {
  const said = entry.created_by;
  if (said === undefined) return entry;
  const scrubPart = (part: HistoryPart): string => (typeof part === "string" ? scrubber.text(part, place) : `${part.name}=${scrubber.variable(part.name, part.value, place)}`);
  const created_by = withoutArgs && origin.withoutArgs !== said ? scrubber.dockerfile(origin.withoutArgs, place) : origin.parts.map(scrubPart).join("");
  return created_by === said ? entry : { ...entry, created_by };
}
