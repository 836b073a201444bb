import { posix } from "node:path";
import type { ChownOptSchema, FileActionCopySchema, FileActionSchema, MessageInitShape, UserOptSchema } from "./op.ts";
import { inputIndex, onlyOutput, type ComposeContext, type InputReference, type OpInit, type Output, type StepDetails, type Vertex } from "./vertex.ts";

/** A user or group, by id or by a name that the tree worked on knows. */
export type Principal = { readonly kind: "id"; readonly id: number } | { readonly kind: "name"; readonly name: string };

export interface Owner {
  readonly user?: Principal;
  readonly group?: Principal;
}

/** One change of a tree. Times are in nanoseconds since 1970; undefined leaves them to the solver. */
export type FileChange =
  | { readonly kind: "copy"; readonly from: Output | undefined; readonly copy: CopyChange }
  | { readonly kind: "mkdir"; readonly path: string; readonly mode: number; readonly makeParents: boolean; readonly owner?: Owner | undefined; readonly createdNs?: bigint | undefined }
  | { readonly kind: "mkfile"; readonly path: string; readonly mode: number; readonly data: Uint8Array };

export interface CopyChange {
  /** Absolute. */
  readonly source: string;
  readonly dest: string;
  readonly owner?: Owner | undefined;
  /** Permission bits, or a symbolic mode; undefined keeps those of the source. */
  readonly mode?: number | string | undefined;
  readonly followSymlink?: boolean;
  readonly dirCopyContents?: boolean;
  readonly attemptUnpack?: boolean;
  readonly createDestPath?: boolean;
  readonly allowWildcard?: boolean;
  readonly allowEmptyWildcard?: boolean;
  readonly includePatterns?: readonly string[];
  readonly excludePatterns?: readonly string[];
  readonly requiredPaths?: readonly string[];
}

export interface FileStep {
  readonly base: Output | undefined;
  /** Directory that relative paths of the changes start at. */
  readonly dir: string;
  readonly changes: readonly FileChange[];
}

/** The tree after all changes, each made on top of the one before. */
export function fileOutput(step: FileStep, details: StepDetails): Output {
  const vertex: Vertex = {
    // From the last change to the first: that is BuildKit's order of visit.
    inputs: () => [step.base, ...step.changes.toReversed().map(copiedTree)].filter((output) => output !== undefined),
    compose: (context) => ({ op: composeFile(step, context), details, capabilities: ["file.base"] }),
  };
  return onlyOutput(vertex);
}

function copiedTree(change: FileChange): Output | undefined {
  return change.kind === "copy" ? change.from : undefined;
}

function composeFile({ base, dir, changes }: FileStep, context: ComposeContext): OpInit {
  const inputs: InputReference[] = [];
  const indexOf = (output: Output | undefined): number => (output?.vertex() === undefined ? -1 : inputIndex(inputs, context.input(output)));
  const baseIndex = indexOf(base);
  const sources = changes.map((change) => indexOf(copiedTree(change)));
  const actions = changes.map((change, at) => ({
    // Earlier changes are counted behind the inputs.
    input: BigInt(at === 0 ? baseIndex : inputs.length + at - 1),
    secondaryInput: BigInt(sources[at] ?? -1),
    output: at === changes.length - 1 ? 0n : -1n,
    action: composeChange(change, dir, baseIndex),
  }));
  return { inputs, op: { case: "file", value: { actions } }, constraints: {} };
}

type ActionInit = NonNullable<MessageInitShape<typeof FileActionSchema>["action"]>;
type CopyInit = MessageInitShape<typeof FileActionCopySchema>;

function composeChange(change: FileChange, dir: string, base: number): ActionInit {
  switch (change.kind) {
    case "copy":
      return { case: "copy", value: composeCopy(change.copy, dir, base) };
    case "mkdir": {
      const { path, mode, makeParents, owner, createdNs } = change;
      return { case: "mkdir", value: { path: absolute(dir, path), mode, makeParents, ...ownerOf(owner, base), timestamp: createdNs ?? -1n } };
    }
    case "mkfile": {
      const { path, mode, data } = change;
      return { case: "mkfile", value: { path: absolute(dir, path), mode, data: Uint8Array.from(data), timestamp: -1n } };
    }
  }
}

function composeCopy(copy: CopyChange, dir: string, base: number): CopyInit {
  return {
    src: posix.join("/", clean(copy.source)),
    dest: keepSlash(copy.dest, absolute(dir, copy.dest)),
    ...ownerOf(copy.owner, base),
    ...(typeof copy.mode === "string" ? { modeStr: copy.mode } : { mode: copy.mode ?? -1 }),
    followSymlink: copy.followSymlink === true,
    dirCopyContents: copy.dirCopyContents === true,
    attemptUnpackDockerCompatibility: copy.attemptUnpack === true,
    createDestPath: copy.createDestPath === true,
    allowWildcard: copy.allowWildcard === true,
    allowEmptyWildcard: copy.allowEmptyWildcard === true,
    timestamp: -1n,
    includePatterns: [...(copy.includePatterns ?? [])],
    excludePatterns: [...(copy.excludePatterns ?? [])],
    requiredPaths: [...(copy.requiredPaths ?? [])],
  };
}

function ownerOf(owner: Owner | undefined, base: number): { readonly owner?: MessageInitShape<typeof ChownOptSchema> } {
  if (owner === undefined) return {};
  const { user, group } = owner;
  return { owner: { ...(user === undefined ? {} : { user: principal(user, base) }), ...(group === undefined ? {} : { group: principal(group, base) }) } };
}

function principal(who: Principal, base: number): MessageInitShape<typeof UserOptSchema> {
  return who.kind === "id"
    ? { user: { case: "byID", value: who.id } }
    : { user: { case: "byName", value: { name: who.name, input: BigInt(base) } } };
}

function absolute(dir: string, path: string): string {
  return clean(path).startsWith("/") ? clean(path) : posix.join("/", dir, path === "" ? "." : clean(path));
}

/** A trailing `/` or `/.` means "into this directory", so it must survive. */
function keepSlash(given: string, path: string): string {
  if (given.endsWith("/")) return path.endsWith("/") ? path : `${path}/`;
  if (given.endsWith("/.")) return path === "/" ? "/." : `${path}/.`;
  return path;
}

function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
