import type { Entry } from "../archive/entry.ts";
import { comparePaths } from "../archive/path-bytes.ts";
import { TimeSlice } from "../content/time-slice.ts";
import { headerDifferences, type AspectDifference } from "./aspect.ts";
import type { Listing } from "./compared-layer.ts";
import { moved } from "./moved.ts";

export interface PathDifference {
  /** As `Entry.path`. */
  readonly path: string;
  readonly aspects: readonly AspectDifference[];
}

/** Every path that two archives do not have alike, sorted; empty for archives that hold the same. */
export async function entryDifferences(first: Listing, second: Listing, signal: AbortSignal): Promise<readonly PathDifference[]> {
  const [ours, theirs] = [namesOf(await first.entries(signal)), namesOf(await second.entries(signal))];
  const places = placesOfMoved(ours, theirs);
  const found: PathDifference[] = [];
  const slice = new TimeSlice();
  for (const [name, entry] of ours) {
    if (slice.isSpent) await slice.renew(signal);
    const other = theirs.get(name);
    const aspects: readonly AspectDifference[] =
      other === undefined ? [{ aspect: "missing", first: entry.kind, second: undefined }]
      : [...headerDifferences(entry, other), ...(await contentDifference([first, entry], [second, other], signal)), ...(places.get(name) ?? [])];
    if (aspects.length > 0) found.push({ path: entry.path, aspects });
  }
  for (const [name, entry] of theirs) {
    if (!ours.has(name)) found.push({ path: entry.path, aspects: [{ aspect: "extra", first: undefined, second: entry.kind }] });
  }
  return found.toSorted((a, b) => comparePaths(a.path, b.path));
}

/** Entries by a name that only they have: an archive may say of one path that it is there, and that what was below it is not. */
function namesOf(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  const names = new Map<string, Entry>();
  for (const entry of entries) {
    let name = entry.kind === "opaque" ? `${entry.path}\0` : entry.path;
    // Foreign archives may have a path twice, and the last one counts; the first is compared all the same.
    while (names.has(name)) name += "\0\0";
    names.set(name, entry);
  }
  return names;
}

async function contentDifference([first, entry]: [Listing, Entry], [second, other]: [Listing, Entry], signal: AbortSignal): Promise<readonly AspectDifference[]> {
  if (entry.kind !== "file" || other.kind !== "file" || entry.sizeBytes !== other.sizeBytes || entry.sizeBytes === 0) return [];
  const [a, b] = [await first.contentDigest(entry, signal), await second.contentDigest(other, signal)];
  return a === b ? [] : [{ aspect: "content", first: a, second: b }];
}

/** Counted from 1 among the entries that both have: what is missing or extra moves nothing. */
function placesOfMoved(ours: ReadonlyMap<string, Entry>, theirs: ReadonlyMap<string, Entry>): ReadonlyMap<string, readonly AspectDifference[]> {
  const common = [...ours.keys()].filter((name) => theirs.has(name));
  const places = new Map(common.map((name, place) => [name, place]));
  const order = [...theirs.keys()].flatMap((name) => places.get(name) ?? []);
  const placesThere = new Map(order.map((place, there) => [place, there]));
  return new Map(Array.from(moved(order), (place) => {
    const there = placesThere.get(place) ?? 0;
    return [common[place] ?? "", [{ aspect: "order", first: `entry ${place + 1}`, second: `entry ${there + 1}` }] as const];
  }));
}
