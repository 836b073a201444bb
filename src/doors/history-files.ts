/** Files of records. Not a subpath export, and not part of doors/history.ts: most commands over the history need no protobuf. */
export { readArchive, writeArchive } from "../history/record-archive.ts";
