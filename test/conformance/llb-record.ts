import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Dockerfiles with what BuildKit makes of them; the README beside the data says what the members are. */
export interface LlbRecord {
  readonly case: LlbCase;
  readonly result: LlbOutcome;
}

export interface LlbCase {
  readonly name: string;
  readonly dockerfile?: string;
  readonly dockerfileB64?: string;
  readonly dockerignore?: string;
  readonly opts?: Readonly<Record<string, string>>;
  readonly sessionID?: string;
  readonly buildPlatform?: string;
  readonly disableCaps?: readonly string[];
  readonly images?: Readonly<Record<string, { readonly error?: string; readonly ref?: string; readonly config?: unknown; readonly digest?: string }>>;
  readonly files?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly mode?: string;
}

export type RangeRow = Readonly<Record<"start" | "end", readonly [line: number, character: number]>>;

export interface LlbOutcome {
  readonly error?: string;
  readonly errorLocations?: ReadonlyArray<readonly RangeRow[]> | null;
  readonly results?: readonly PlatformOutcome[] | null;
  readonly warnings: ReadonlyArray<{ readonly rule: string; readonly url: string; readonly msg: string; readonly ranges: readonly RangeRow[] | null }> | null;
  readonly imageResolves: readonly ImageResolve[] | null;
  /** What the other questions to the frontend came to. */
  readonly lint?: LintOutcome;
  readonly outline?: OutlineOutcome;
  readonly targets?: TargetsOutcome;
  /** Parts that vary in BuildKit itself. */
  readonly unstable?: readonly string[];
}

export interface LintOutcome {
  readonly warnings: ReadonlyArray<{ readonly rule: string; readonly detail: string; readonly ranges: readonly RangeRow[] | null }> | null;
  readonly error?: string;
  readonly errorRanges?: readonly RangeRow[] | null;
}

export interface JsonLocation {
  readonly ranges: ReadonlyArray<Readonly<Record<"start" | "end", { readonly line?: number; readonly character?: number }>>>;
}

export interface OutlineOutcome {
  readonly error?: string;
  readonly name?: string;
  readonly description?: string;
  readonly args?: ReadonlyArray<{ readonly name: string; readonly location?: JsonLocation }>;
  readonly secrets?: ReadonlyArray<{ readonly name: string; readonly location?: JsonLocation }>;
  readonly ssh?: ReadonlyArray<{ readonly name: string; readonly location?: JsonLocation }>;
}

export interface TargetsOutcome {
  readonly targets?: readonly unknown[] | null;
  readonly error?: string;
  /** BuildKit itself broke. */
  readonly panic?: string;
}

export interface ImageResolve {
  readonly ref: string;
  readonly platform: string;
  readonly logName: string;
  readonly digest?: string;
  readonly config?: unknown;
  readonly error?: string;
}

export interface PlatformOutcome {
  readonly platform: string | null;
  readonly def: { readonly pb: string; readonly ops: ReadonlyArray<{ readonly digest: string; readonly pb: string; readonly op: unknown }> | null };
  readonly configText: string;
  readonly baseConfig?: unknown;
  readonly epoch?: number | null;
  readonly ignoreCache?: boolean;
  readonly sbomExtras?: Readonly<Record<string, { readonly pb: string }>>;
}

const FOLDER: string = join(process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../../shared/conformance"), "llb");

export const RECORD_FILES = ["bktest", "opts", "corpus", "matrix"] as const;

/** For node:test: why to skip, or false where the data is here. */
export const SKIP: string | false = existsSync(FOLDER) ? false : `no conformance data in ${FOLDER}`;

export function readRecords(file: (typeof RECORD_FILES)[number]): readonly LlbRecord[] {
  return readRecordFile(join(FOLDER, `${file}.jsonl.gz`));
}

/** The records of any such file, packed or not. */
export function readRecordFile(path: string): readonly LlbRecord[] {
  const bytes = readFileSync(path);
  const lines = (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8").split("\n");
  // The shape is the README's; a wrong one fails the comparison.
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as LlbRecord);
}
