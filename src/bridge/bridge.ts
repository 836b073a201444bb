import type { Digest } from "../content/digest.ts";
import type { ResolvedImage, ResolveImageOptions } from "../frontend/gateway.ts";
import type { Definition } from "../llb/definition.ts";
import type { Range, SourceInfo, SourceOp } from "../llb/op.ts";
import type { Platform } from "../oci/platform.ts";
import type { Policy } from "../proto/sourcepolicy/policy_pb.ts";
import type { BridgeContainer, BridgeContainerRequest } from "./bridge-container.ts";
import type { FileStat } from "./file-stat.ts";

/** A result that a frontend has asked for. It is made when somebody looks at it. */
export interface BridgeReference {
  readonly definition: Definition;
  evaluate(signal: AbortSignal): Promise<void>;
  /** Throws what says in Go's words that there is no such file. Without a range the whole file. */
  readFile(path: string, range: FileRange | undefined, signal: AbortSignal): Promise<Uint8Array>;
  /** What lies in a directory, by name; an empty pattern is all. */
  readDirectory(path: string, includePattern: string, signal: AbortSignal): Promise<readonly FileStat[]>;
  stat(path: string, signal: AbortSignal): Promise<FileStat>;
}

export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** What a frontend says of its result besides the trees. */
export interface BridgeAttestation {
  /** `in-toto`: the file at `path` is a predicate. `bundle`: the directory there holds statements. */
  readonly kind: "in-toto" | "bundle";
  readonly reference: BridgeReference | undefined;
  readonly path: string;
  readonly predicateType: string;
  readonly subjects: ReadonlyArray<{ readonly kind: "self" | "raw"; readonly digests: readonly string[]; readonly name: string }>;
  readonly metadata: ReadonlyMap<string, Uint8Array>;
}

/** What a solve, or a whole frontend, comes to. A reference that is undefined is an empty tree. */
export interface BridgeResult {
  readonly references:
    | { readonly kind: "single"; readonly reference: BridgeReference | undefined }
    /** By the names that the frontend gives its platforms. */
    | { readonly kind: "many"; readonly references: ReadonlyMap<string, BridgeReference | undefined> };
  readonly metadata: ReadonlyMap<string, Uint8Array>;
  readonly attestations: ReadonlyMap<string, readonly BridgeAttestation[]>;
}

/** Rules about sources that a frontend sends with what it asks for. */
export interface Ruled {
  readonly policies: readonly Policy[];
}

export interface BridgeSolve extends Ruled {
  /** Undefined where a frontend is asked. */
  readonly definition: Definition | undefined;
  /** `dockerfile.v0`, `gateway.v0`; empty for a definition. */
  readonly frontend: string;
  readonly options: ReadonlyMap<string, string>;
  readonly inputs: ReadonlyMap<string, Definition>;
}

/** What is known of a source without fetching it; what does not apply is undefined. */
export interface SourceMetadata {
  readonly source: SourceOp;
  readonly image: { readonly digest: Digest | undefined; readonly config: Uint8Array } | undefined;
  /** `hash` is a commit's, or that of an annotated tag; then `commit` is what the tag names, where that is known. */
  readonly git: { readonly hash: string; readonly commit: string | undefined; readonly ref: string } | undefined;
  readonly http: { readonly digest: Digest; readonly filename: string; readonly lastModifiedNs: bigint | undefined } | undefined;
}

export interface BridgeWarning {
  /** Undefined for none. */
  readonly vertex: Digest | undefined;
  readonly message: string;
  readonly detail: readonly string[];
  readonly url: string;
  readonly source: SourceInfo | undefined;
  readonly ranges: readonly Range[];
}

/** All that a frontend in a container may ask of an engine: BuildKit's LLBBridge, without its wire. */
export interface Bridge {
  readonly worker: { readonly id: string; readonly labels: ReadonlyMap<string, string>; readonly platforms: readonly Platform[] };
  readonly capabilities: readonly string[];
  /** Graphs that the frontend was given by name. */
  readonly inputs: ReadonlyMap<string, Definition>;
  resolveImage(ref: string, options: ResolveImageOptions & Ruled, signal: AbortSignal): Promise<ResolvedImage>;
  resolveSource(source: SourceOp, options: Omit<ResolveImageOptions, "layout"> & Ruled, signal: AbortSignal): Promise<SourceMetadata>;
  solve(request: BridgeSolve, signal: AbortSignal): Promise<BridgeResult>;
  /** The caller disposes it. Undefined where the sandbox gives none. */
  readonly openContainer: ((request: BridgeContainerRequest, signal: AbortSignal) => Promise<BridgeContainer>) | undefined;
  warn(warning: BridgeWarning): void;
}
