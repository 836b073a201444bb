import { isDeepStrictEqual } from "node:util";
import { digestOf, type Digest } from "../../src/content/digest.ts";
import { buildDockerfile } from "../../src/frontend/dockerfile/build.ts";
import { DockerfileError } from "../../src/frontend/dockerfile/dockerfile-error.ts";
import { FrontendOptionError } from "../../src/frontend/dockerfile/frontend-option-error.ts";
import type { Range } from "../../src/frontend/dockerfile/source-range.ts";
import type { FrontendRequest, FrontendResult, PlatformResult } from "../../src/frontend/frontend.ts";
import { decodeDefinition, encodeDefinition, type Definition } from "../../src/llb/definition.ts";
import type { OpMetadata } from "../../src/llb/op.ts";
import { formatPlatform, normalizePlatform, parsePlatform } from "../../src/oci/platform.ts";
import { HOST, recordedGateway } from "./llb-gateway.ts";
import type { LlbRecord, PlatformOutcome, RangeRow } from "./llb-record.ts";

/** A part of a record, and how ours differs from BuildKit's. */
export interface Difference {
  readonly part: "error" | "error-locations" | "results" | "ops" | "metadata" | "locations" | "definition" | "config" | "base-config" | "flags" | "scan-extras" | "warnings" | "lint" | "outline" | "targets";
  readonly detail: string;
}

/** Compiles the record's Dockerfile and compares part by part; nothing where all is equal. */
export async function compareRecord(record: LlbRecord): Promise<readonly Difference[]> {
  const outcome = await compile(record);
  const { result } = record;
  const stable = (part: string): boolean => result.unstable?.includes(part) !== true;
  if (outcome instanceof Error) return compareError(outcome, record, stable("error"));
  if (result.error !== undefined) return [{ part: "error", detail: `none; wanted ${result.error}` }];
  return [...compareResults(outcome.results, result.results ?? []), ...(stable("warnings") ? compareWarnings(outcome, record) : [])];
}

async function compile(record: LlbRecord): Promise<FrontendResult | Error> {
  const request = requestOf(record);
  try {
    return await buildDockerfile(recordedGateway(record), request, new AbortController().signal);
  } catch (error) {
    if (error instanceof DockerfileError || error instanceof FrontendOptionError) return error;
    return new Error(`unexpected ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** The case as the frontend is asked. */
export function requestOf({ case: input }: LlbRecord): FrontendRequest {
  const workerPlatform = input.buildPlatform === undefined ? HOST : normalizePlatform(parsePlatform(input.buildPlatform, HOST));
  return {
    opts: new Map(Object.entries(input.opts ?? {})),
    sessionId: input.sessionID ?? "golden-session",
    workerPlatforms: [workerPlatform],
    hostPlatform: HOST,
    disabledCapabilities: new Set(input.disableCaps ?? []),
    inputs: new Map(), scanArguments: new Map(),
  };
}

function compareError(error: Error, { result }: LlbRecord, isStable: boolean): readonly Difference[] {
  if (result.error === undefined) return [{ part: "error", detail: error.message }];
  if (!isStable) return [];
  if (error.message !== result.error) return [{ part: "error", detail: `${error.message}; wanted ${result.error}` }];
  const locations = error instanceof DockerfileError ? error.locations.map((ranges) => ranges.map(rangeRow)) : [];
  return difference("error-locations", locations, result.errorLocations ?? []);
}

export function rangeRow({ start, end }: Range): RangeRow {
  return { start: [start.line, start.character], end: [end.line, end.character] };
}

export function difference(part: Difference["part"], ours: unknown, wanted: unknown): readonly Difference[] {
  return isDeepStrictEqual(ours, wanted) ? [] : [{ part, detail: `${JSON.stringify(ours)?.slice(0, 1500)}\n      wanted ${JSON.stringify(wanted)?.slice(0, 1500)}` }];
}

function compareResults(ours: readonly PlatformResult[], wanted: readonly PlatformOutcome[]): readonly Difference[] {
  const platforms = ours.map(({ platform }) => (platform === undefined ? null : formatPlatform(platform)));
  const differences = difference("results", platforms, wanted.map(({ platform }) => platform));
  return differences.length > 0 ? differences : ours.flatMap((result, at) => {
    const outcome = wanted[at];
    return outcome === undefined ? [] : compareResult(result, outcome);
  });
}

function compareResult(result: PlatformResult, outcome: PlatformOutcome): readonly Difference[] {
  const ours = withPlainGroups(result.definition);
  const wanted = decodeDefinition(Buffer.from(outcome.def.pb, "base64"));
  const bytes = encodeDefinition(ours);
  const config = Buffer.from(result.config).toString();
  const baseConfig = result.baseConfig === undefined ? undefined : JSON.parse(Buffer.from(result.baseConfig).toString());
  const flags = { epoch: result.epochSeconds === undefined ? null : Number(result.epochSeconds), ignoreCache: result.ignoresCache };
  const extras = Object.fromEntries([...result.scanExtras].map(([name, definition]) => [name, Buffer.from(encodeDefinition(withPlainGroups(definition))).toString("base64")]));
  return [
    ...compareDefinitions(ours, wanted, Buffer.from(bytes).toString("base64") === outcome.def.pb),
    ...(config === outcome.configText ? [] : [{ part: "config" as const, detail: `${config}\n      wanted ${outcome.configText}` }]),
    ...difference("base-config", baseConfig, outcome.baseConfig ?? undefined),
    ...difference("flags", flags, { epoch: outcome.epoch ?? null, ignoreCache: outcome.ignoreCache === true }),
    ...difference("scan-extras", extras, Object.fromEntries(Object.entries(outcome.sbomExtras ?? {}).map(([name, { pb }]) => [name, pb]))),
  ];
}

/** Ids of progress groups are anybody's choice: `pg-1`, `pg-2`, … in the order of the ops. */
function withPlainGroups(definition: Definition): Definition {
  const names = new Map<string, string>();
  for (const bytes of definition.def) {
    const group = definition.metadata.get(digestOf(bytes))?.progressGroup;
    if (group === undefined) continue;
    const name = names.get(group.id) ?? `pg-${names.size + 1}`;
    names.set(group.id, name);
  }
  const renamed = [...definition.metadata].map(([digest, metadata]): [Digest, OpMetadata] => {
    const { progressGroup } = metadata;
    if (progressGroup === undefined) return [digest, metadata];
    return [digest, { ...metadata, progressGroup: { ...progressGroup, id: names.get(progressGroup.id) ?? "" } }];
  });
  return { ...definition, metadata: new Map(renamed) };
}

function compareDefinitions(ours: Definition, wanted: Definition, areBytesEqual: boolean): readonly Difference[] {
  const at = wanted.def.findIndex((bytes, index) => !isDeepStrictEqual(Buffer.from(bytes), Buffer.from(ours.def[index] ?? [])));
  if (at !== -1 || ours.def.length !== wanted.def.length) return [{ part: "ops", detail: opsDetail(ours, wanted, at) }];
  const metadata = wanted.def.flatMap((bytes) => difference("metadata", plain(ours.metadata.get(digestOf(bytes))), plain(wanted.metadata.get(digestOf(bytes)))));
  const locations = wanted.def.flatMap((bytes) => difference("locations", ours.source?.locations[digestOf(bytes)], wanted.source?.locations[digestOf(bytes)]));
  if (metadata.length > 0 || locations.length > 0) return [...metadata, ...locations];
  return areBytesEqual ? [] : [{ part: "definition", detail: "sources differ" }];
}

function opsDetail(ours: Definition, wanted: Definition, at: number): string {
  const show = (bytes: Uint8Array | undefined): string => (bytes === undefined ? "none" : JSON.stringify(Buffer.from(bytes).toString("latin1")).slice(0, 1200));
  return `${ours.def.length} of ${wanted.def.length}, first at ${at}: ${show(ours.def[at])}\n      wanted ${show(wanted.def[at])}`;
}

/** Without the marks of generated messages. */
function plain(metadata: OpMetadata | undefined): unknown {
  return metadata === undefined ? undefined : JSON.parse(JSON.stringify(metadata, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value)));
}

function compareWarnings({ warnings }: FrontendResult, { result }: LlbRecord): readonly Difference[] {
  const ours = warnings.map(({ rule, url, message, location }) => ({ rule, url, msg: message, ranges: location.map(rangeRow) }));
  return difference("warnings", ours, (result.warnings ?? []).map(({ rule, url, msg, ranges }) => ({ rule, url, msg, ranges: ranges ?? [] })));
}
