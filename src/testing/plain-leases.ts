import { existsSync } from "node:fs";
import type { BlobLeases } from "../store/file-blob-store.ts";

/** For a store that nobody takes anything from. */
export const plainLeases: BlobLeases = { hold: existsSync, moved: () => undefined, release: () => undefined };
