import { basename, dirname, join, sep } from "node:path";
import { StateStorageError, type StateDatabase } from "./state-database.ts";

const KIND = "uses";

/** In how many builds each thing of a store was used, by the id that `du` gives it. One that was killed has not counted. */
export interface UseCounts {
  all(): ReadonlyMap<string, number>;
  forget(id: string): void;
}

export function useCounts(database: Pick<StateDatabase, "facts" | "removeFact">): UseCounts {
  return {
    all: () => new Map(database.facts(KIND).map(([id, count]) => [id, Number(count)])),
    forget: (id) => database.removeFact(KIND, id),
  };
}

/** For the end of a build. On a disk that is full it is not counted. */
export function countUses(database: Pick<StateDatabase, "countFacts">, ids: Iterable<string>): void {
  try {
    database.countFacts(KIND, new Set(ids));
  } catch (error) {
    if (!(error instanceof StateStorageError)) throw error;
  }
}

/** What lies in a store as `FOLDER/N`: a cache mount, or a mirror of a repository. */
export function directoryId(path: string): string {
  const [folder, name] = [basename(dirname(path)), basename(path)];
  return name === "0" ? folder : `${folder}.${name}`;
}

/** The ids of what a process holds files of: blobs, and mirrors by a file in them. */
export function heldIds(root: string, paths: Iterable<string>): readonly string[] {
  const within = (path: string, ...parent: readonly string[]): boolean => path.startsWith(join(root, ...parent) + sep);
  return [...paths].flatMap((path) => (within(path, "blobs", "sha256") ? [`sha256:${basename(path)}`] : within(path, "git") ? [directoryId(dirname(path))] : []));
}
