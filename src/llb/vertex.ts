import type { Digest } from "../content/digest.ts";
import type { MessageInitShape, OpMetadataSchema, OpSchema, PlatformSchema } from "./op.ts";
import type { Definition } from "./definition.ts";

export type PlatformInit = MessageInitShape<typeof PlatformSchema>;
export type OpInit = MessageInitShape<typeof OpSchema>;
export type OpKind = NonNullable<OpInit["op"]>;
export type MetadataInit = MessageInitShape<typeof OpMetadataSchema>;

/** A vertex in the making. Its op is put together when the graph is marshalled, since inputs may be bound late. */
export interface Vertex {
  /** In the order of visit, which decides the order of the definition. */
  inputs(): readonly Output[];
  compose(context: ComposeContext): ComposedOp;
}

/** One result of a vertex; the same object wherever that result is used. */
export interface Output {
  /** Undefined where what was bound late is an empty tree. */
  vertex(): Vertex | undefined;
  index(): number;
}

/** What the ops of one definition have in common. */
export interface MarshalDefaults {
  readonly platform: PlatformInit;
  /** What the solver can do; undefined where nobody asked. */
  readonly capabilities: Capabilities | undefined;
  /** Stands for the session in ops of local files that name none. */
  readonly localUniqueId: string;
}

export interface Capabilities {
  has(capability: string): boolean;
}

export interface ComposeContext extends MarshalDefaults {
  input(output: Output): InputReference;
}

export interface InputReference {
  readonly digest: Digest;
  readonly index: bigint;
}

export interface ComposedOp {
  /** Bytes are an op as it was received: its identity is what they are, however we would write it. */
  readonly op: OpInit | Uint8Array;
  readonly details: StepDetails;
  readonly capabilities: readonly string[];
}

/** What is said of a step without changing what it does, but for the platform. */
export interface StepDetails {
  readonly platform?: PlatformInit | undefined;
  readonly description?: Readonly<Record<string, string>>;
  readonly ignoreCache?: boolean;
  readonly progressGroup?: NonNullable<MetadataInit["progressGroup"]>;
  readonly linuxResources?: MetadataInit["linuxResources"];
  readonly locations?: readonly SourceLocation[];
}

export interface SourceLocation {
  readonly file: SourceFile;
  readonly ranges: readonly SourceRange[];
}

export interface SourceRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

/** A file that a graph was made from. Locations in the same object are locations in the same file. */
export interface SourceFile {
  readonly filename: string;
  readonly language: string;
  readonly data: Uint8Array;
  /** How to read it again. */
  readonly definition: Definition | undefined;
}

export function customName(name: string): Readonly<Record<string, string>> {
  return { "llb.customname": name };
}

/** Adds the input unless it is there, and tells where it stands. */
export function inputIndex(inputs: InputReference[], input: InputReference): number {
  const at = inputs.findIndex(({ digest, index }) => digest === input.digest && index === input.index);
  return at === -1 ? inputs.push(input) - 1 : at;
}

/** The only output of a vertex. */
export function onlyOutput(vertex: Vertex): Output {
  return { vertex: () => vertex, index: () => 0 };
}

/** An output that is known only when the graph is marshalled. */
export function lateOutput(find: () => Output | undefined): Output {
  return { vertex: () => find()?.vertex(), index: () => find()?.index() ?? 0 };
}
