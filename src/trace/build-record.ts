import { isObject, listAt, objectAt, textAt, type JsonObject } from "./document.ts";
import { stepKind, stepSummary, type StepKind } from "./step-summary.ts";

/** What a provenance record tells of how an image was made, whichever shape it has. */
export interface BuildRecord {
  readonly predicateType: string;
  /** In build order: inputs before what uses them. */
  readonly steps: readonly RecordedStep[];
  /** The step whose result the image is. */
  readonly result: RecordedStep | undefined;
  /** The files that steps' lines are of; the first is the Dockerfile. */
  readonly files: readonly RecordedFile[];
  /** For a step, every chain of layers that one of its outputs was seen as, from the lowest layer on. */
  readonly chains: ReadonlyMap<string, ReadonlyArray<readonly string[]>>;
  readonly dependencies: readonly Dependency[];
  /** Name of the Dockerfile in its directory, where the record has it. */
  readonly dockerfile: string | undefined;
  readonly revision: Revision | undefined;
  /** What a full record has and this one lacks, in words. */
  readonly missing: readonly string[];
}

export interface RecordedStep {
  /** `step4`, as the record names it. */
  readonly id: string;
  readonly kind: StepKind;
  readonly summary: string;
  /** Of a source: `docker-image://…`. */
  readonly identifier: string | undefined;
  readonly inputs: readonly string[];
  readonly lines: readonly LineRange[];
}

export interface LineRange {
  /** Index into the record's files. */
  readonly file: number;
  /** From 1, both inclusive. */
  readonly start: number;
  readonly end: number;
}

export interface RecordedFile {
  readonly name: string;
  /** Undefined where the record has its name only. */
  readonly lines: readonly string[] | undefined;
}

export interface Dependency {
  readonly uri: string;
  /** By algorithm. */
  readonly digest: Readonly<Record<string, unknown>>;
}

export interface Revision {
  readonly commit: string;
  readonly source: string | undefined;
  /**
   * `verified`: the files used were compared with the commit's. `material`: the builder fetched that commit itself.
   * `claim`: the client said so, and nobody looked.
   */
  readonly basis: "verified" | "material" | "claim";
  /** Files that were compared and differ from the commit. */
  readonly differing: number | undefined;
}

const V02_METADATA = "https://mobyproject.org/buildkit@v1#metadata";

/** Where the two shapes keep the same things (anchor b.2, b.3). */
interface Parts {
  readonly buildConfig: JsonObject;
  readonly metadata: JsonObject;
  readonly buildkit: JsonObject;
  readonly dependencies: readonly unknown[];
  readonly configSource: JsonObject;
}

/** Never throws: whoever wrote the record may have left out, or put in, anything. */
export function parseBuildRecord(predicateType: string, predicate: JsonObject): BuildRecord {
  const parts = partsOf(predicate);
  const source = objectAt(parts.buildkit, "source");
  const steps = listAt(parts.buildConfig, "llbDefinition").flatMap((step) => stepOf(step, objectAt(source, "locations")));
  const files = listAt(source, "infos").map(fileOf);
  const chains = chainsOf(objectAt(parts.buildkit, "layers"));
  const dependencies = parts.dependencies.flatMap(dependencyOf);
  const revision = revisionOf(parts, dependencies);
  return { predicateType, steps, result: resultOf(steps), files, chains, dependencies, dockerfile: textAt(parts.configSource, "path") ?? textAt(parts.configSource, "entryPoint"), revision, missing: missingOf({ steps, files, chains, revision }) };
}

function partsOf(predicate: JsonObject): Parts {
  if (isObject(predicate["buildDefinition"])) {
    const metadata = objectAt(predicate, "runDetails", "metadata");
    return {
      buildConfig: objectAt(predicate, "buildDefinition", "internalParameters", "buildConfig"),
      metadata,
      buildkit: objectAt(metadata, "buildkit_metadata"),
      dependencies: listAt(objectAt(predicate, "buildDefinition"), "resolvedDependencies"),
      configSource: objectAt(predicate, "buildDefinition", "externalParameters", "configSource"),
    };
  }
  const metadata = objectAt(predicate, "metadata");
  return {
    buildConfig: objectAt(predicate, "buildConfig"),
    metadata,
    buildkit: objectAt(metadata, V02_METADATA),
    dependencies: listAt(predicate, "materials"),
    configSource: objectAt(predicate, "invocation", "configSource"),
  };
}

function stepOf(step: unknown, locations: JsonObject): RecordedStep[] {
  if (!isObject(step)) return [];
  const id = textAt(step, "id");
  if (id === undefined) return [];
  const op = objectAt(step, "op");
  const inputs = listAt(step, "inputs").flatMap((input) => (typeof input === "string" ? [input.replace(/:\d+$/, "")] : []));
  return [{ id, kind: stepKind(op), summary: stepSummary(op), identifier: textAt(objectAt(op, "Op", "source"), "identifier"), inputs, lines: linesOf(objectAt(locations, id)) }];
}

/** Lines that follow each other are one range: a continued instruction is recorded line by line. */
function linesOf(location: JsonObject): readonly LineRange[] {
  const ranges = listAt(location, "locations").flatMap((place) => {
    if (!isObject(place)) return [];
    const file = numberAt(place, "sourceIndex") ?? 0;
    return listAt(place, "ranges").flatMap((range) => {
      const start = isObject(range) ? numberAt(objectAt(range, "start"), "line") : undefined;
      const end = isObject(range) ? numberAt(objectAt(range, "end"), "line") : undefined;
      return start === undefined ? [] : [{ file, start, end: Math.max(start, end ?? start) }];
    });
  });
  const joined: LineRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.file - b.file || a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && last.file === range.file && range.start <= last.end + 1) joined.splice(-1, 1, { ...last, end: Math.max(last.end, range.end) });
    else joined.push(range);
  }
  return joined;
}

function fileOf(info: unknown): RecordedFile {
  if (!isObject(info)) return { name: "", lines: undefined };
  const data = textAt(info, "data");
  const lines = data === undefined ? undefined : Buffer.from(data, "base64").toString("utf8").split(/\r?\n/);
  return { name: textAt(info, "filename") ?? "", lines };
}

/** `"step5:0": [[descriptor, …]]`; a step's outputs and forms are all kept. */
function chainsOf(layers: JsonObject): ReadonlyMap<string, ReadonlyArray<readonly string[]>> {
  const chains = new Map<string, Array<readonly string[]>>();
  for (const [key, value] of Object.entries(layers)) {
    const id = key.replace(/:\d+$/, "");
    const known = chains.get(id) ?? [];
    for (const chain of Array.isArray(value) ? value : []) {
      const digests = (Array.isArray(chain) ? chain : []).map((layer) => (isObject(layer) ? (textAt(layer, "digest") ?? "") : ""));
      if (digests.length > 0) known.push(digests);
    }
    chains.set(id, known);
  }
  return chains;
}

function dependencyOf(value: unknown): Dependency[] {
  const uri = isObject(value) ? textAt(value, "uri") : undefined;
  return uri === undefined || !isObject(value) ? [] : [{ uri, digest: objectAt(value, "digest") }];
}

/** The last step has no work of its own: it points to the result. */
function resultOf(steps: readonly RecordedStep[]): RecordedStep | undefined {
  const last = steps.at(-1);
  if (last === undefined || last.kind !== "result") return undefined;
  return steps.find(({ id }) => id === last.inputs[0]);
}

function revisionOf({ metadata, buildkit, configSource }: Parts, dependencies: readonly Dependency[]): Revision | undefined {
  const vcs = objectAt(buildkit, "vcs");
  const claimed = textAt(vcs, "revision");
  const checked = objectAt(metadata, "stemma_commit");
  // This digest is a commit's and nothing else, of a repository of sha256 too.
  const checkedCommit = commitOf(objectAt(checked, "digest")) ?? textAt(objectAt(checked, "digest"), "sha256");
  const fetched = commitOf(objectAt(configSource, "digest"));
  const commit = checkedCommit ?? claimed ?? fetched;
  if (commit === undefined) return undefined;
  const isVerified = checkedCommit !== undefined && checked["verified"] === true;
  const isMaterial = commit === fetched || dependencies.some(({ digest }) => commitOf(digest) === commit);
  return {
    commit,
    source: textAt(vcs, "source") ?? textAt(configSource, "uri"),
    basis: isVerified ? "verified" : isMaterial ? "material" : "claim",
    differing: numberAt(checked, "differing"),
  };
}

/** Git's digests have the algorithm's name; a sha256 may be anything, so only a configuration source's counts. */
function commitOf(digest: JsonObject): string | undefined {
  return textAt(digest, "sha1") ?? textAt(digest, "gitCommit");
}

function missingOf({ steps, files, chains, revision }: Pick<BuildRecord, "steps" | "files" | "chains" | "revision">): readonly string[] {
  const isMin = steps.length === 0 && files.length === 0 && chains.size === 0;
  const missing = isMin
    ? ["the record has neither steps, nor lines, nor layers, as records of mode=min have not, and no map from layers to lines lies beside it: build with --provenance=mode=max, or without --line-map=false"]
    : [
        ...(steps.length === 0 ? ["the record has no steps (buildConfig.llbDefinition)"] : []),
        ...(files.length === 0 ? ["the record has no files that lines could be of (source.infos)"] : []),
        ...(chains.size === 0 ? ["the record does not say which step made which layer (layers)"] : []),
      ];
  return revision === undefined ? [...missing, "the record names no revision (vcs)"] : missing;
}

function numberAt(parent: JsonObject, key: string): number | undefined {
  const value = Object.hasOwn(parent, key) ? parent[key] : undefined;
  return typeof value === "number" ? value : undefined;
}
