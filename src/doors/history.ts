/** The builds that a state root remembers. Not a subpath export: it is the command's. */
export type { ByteStream } from "../content/blob-store.ts";
export { parseDigest, type Digest } from "../content/digest.ts";
export { repositoryHere } from "../engine/repository-here.ts";
export type { BuildHistory, StoredRun } from "../history/build-history.ts";
export type { AttachmentRecord, BuildRecord, StepRecord } from "../history/build-record.ts";
export { parseEventLog } from "../history/event-log.ts";
export { findRun, hasEnded } from "../history/find-run.ts";
export { HistoryError, noBuilds } from "../history/history-error.ts";
export { jaegerTrace } from "../history/jaeger-trace.ts";
export { inspectText } from "../history/inspect-record.ts";
export { openHistory, type OpenHistory } from "../history/open-history.ts";
export { recordFilter } from "../history/record-filter.ts";
export { listText } from "../history/record-list.ts";
export { TemplateError } from "../template/template-error.ts";
