import { RECORD_VERSION, type BuildRecord } from "./build-record.ts";
import { HistoryError } from "./history-error.ts";

/** Throws HistoryError for what is no record, or one of a newer version. */
export function parseRecord(text: string, where: string): BuildRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new HistoryError("damaged", `${where}: is no record of a build`, { cause: error });
  }
  if (typeof parsed !== "object" || parsed === null || !("version" in parsed) || !("id" in parsed)) throw new HistoryError("damaged", `${where}: is no record of a build`);
  if (parsed.version !== RECORD_VERSION) throw new HistoryError("newer-state", `${where}: record of version ${String(parsed.version)}; upgrade`);
  // Whoever wrote the version wrote the rest.
  return parsed as BuildRecord;
}
