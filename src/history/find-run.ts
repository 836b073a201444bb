import type { BuildHistory } from "./build-history.ts";
import { refOf, type BuildRecord } from "./build-record.ts";
import { HistoryError, noBuilds } from "./history-error.ts";

/** The run that a person means: its ref or id, the beginning of its id, `^N` for the Nth before the last; empty for the last. `counts` says which of them `^N` and the last are of. Throws HistoryError "missing-input". */
export function findRun(builds: Pick<BuildHistory, "list" | "find">, text: string, counts: (record: BuildRecord) => boolean = () => true): BuildRecord {
  const [, back] = /^\^(\d+)$/.exec(text) ?? [];
  if (text === "" || back !== undefined) {
    const record = builds.list().filter(counts)[Number(back ?? 0)];
    if (record === undefined) throw back === undefined ? noBuilds() : new HistoryError("missing-input", `there is no build ${text}: fewer were recorded`);
    return record;
  }
  const id = text.startsWith(refOf("")) ? text.slice(refOf("").length) : text;
  const exact = builds.find(id);
  if (exact !== undefined) return exact;
  const [found, ...more] = builds.list().filter((record) => record.id.startsWith(id));
  if (found === undefined) throw new HistoryError("missing-input", `no record found for ref ${JSON.stringify(text)}`);
  if (more.length > 0) throw new HistoryError("missing-input", `${text} is the beginning of ${more.length + 1} builds: ${[found, ...more].map((record) => record.id).join(", ")}`);
  return found;
}

/** For what needs a whole record. */
export function hasEnded({ status }: BuildRecord): boolean {
  return status !== "running";
}
