import type { Compat } from "./compat.ts";
import type { EvidenceWishes } from "./evidence.ts";

/** How layers of an image are compressed, and whether those of the base are compressed anew. */
export interface Compression {
  readonly kind: "uncompressed" | "gzip" | "zstd" | "estargz";
  /** Undefined is the library's default. */
  readonly level: number | undefined;
  readonly force: boolean;
}

/** What an annotation is put on (image-spec, annotations.md). */
export type AnnotationPlace = "manifest" | "manifest-descriptor" | "index" | "index-descriptor";

export interface Annotation {
  readonly place: AnnotationPlace;
  /** As written (`linux/amd64`); undefined is every platform. */
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
}

/** SOURCE_DATE_EPOCH of one output alone (`source-date-epoch`). */
export interface OwnEpoch {
  /** Undefined: none, whatever the build has. */
  readonly seconds: number | undefined;
}

/** In nanoseconds, of an output of a build that has `buildNs`. */
export function epochOf(own: OwnEpoch | undefined, buildNs: bigint | undefined): bigint | undefined {
  if (own === undefined) return buildNs;
  return own.seconds === undefined ? undefined : BigInt(own.seconds) * 1_000_000_000n;
}

/** What all forms of an image have in common. */
export interface ImageForm {
  /** As written, tag included; empty only where nothing is pushed. */
  readonly names: readonly string[];
  readonly compression: Compression;
  readonly mediaTypes: "oci" | "docker";
  /** A consumer that the image has to be fit for. */
  readonly compat: Compat | undefined;
  readonly evidence: EvidenceWishes;
  /** True takes statements in that are for images only: `attestation-inline`, and always where a registry can hold the image. */
  readonly attestInline: boolean;
  /** Sets file times in layers that this build made back to SOURCE_DATE_EPOCH. */
  readonly rewriteTimestamp: boolean;
  /** Undefined: the build's. */
  readonly epoch: OwnEpoch | undefined;
  readonly annotations: readonly Annotation[];
  /** Who asks for the image's ID is told what its names point at, and never its configuration. */
  readonly prefersRoot: boolean;
}

/** What outputs of files have in common. */
export interface FilesForm {
  /** Undefined: a folder for each platform where there are several. */
  readonly platformSplit: boolean | undefined;
  readonly attestationPrefix: string;
  /** Undefined: the build's. */
  readonly epoch: OwnEpoch | undefined;
}

/** Where bytes of a file output go: a path, or `-` for standard output. */
export type FileDestination = { readonly kind: "path"; readonly path: string } | { readonly kind: "stdout" };

/** What becomes of files of a directory that the result does not name. */
export type LocalMode = "copy" | "delete";

/** A Docker engine. */
export interface EngineDestination {
  readonly kind: "engine";
  /** As in DOCKER_HOST. */
  readonly address: string;
  /** What it takes; undefined until it was asked. */
  readonly takes: "docker" | "oci" | undefined;
}

/** Where a build's result goes. One variant for each `--output type=`. */
export type ExportTarget =
  /** `byDigest`: where it is pushed, it gets no tag. `insecure`: the registry may be reached in any way that it answers. */
  | { readonly kind: "image"; readonly form: ImageForm; readonly push: boolean; readonly byDigest: boolean; readonly insecure: boolean }
  | { readonly kind: "oci-tar"; readonly form: ImageForm; readonly destination: FileDestination | EngineDestination }
  | { readonly kind: "oci-directory"; readonly form: ImageForm; readonly path: string }
  | { readonly kind: "docker-tar"; readonly form: ImageForm; readonly destination: FileDestination | EngineDestination }
  | ({ readonly kind: "local"; readonly path: string; readonly mode: LocalMode } & FilesForm)
  | ({ readonly kind: "tar"; readonly destination: FileDestination } & FilesForm)
  | { readonly kind: "cacheonly" };

/** Targets that hold an image, with manifests and configurations. */
export type ImageTarget = Extract<ExportTarget, { readonly form: ImageForm }>;
