import type { Digest } from "../content/digest.ts";
import type { ScanResult } from "./scan.ts";

/** What brought a file into the tree; undefined where it is not known, as in a layer of a base image. */
export interface Origin {
  /** As in the image's manifest. */
  readonly layer: Digest | undefined;
  /** Name of the build step. */
  readonly step: string | undefined;
  /** The lines of the instruction, the first is 1. */
  readonly dockerfile: { readonly file: string; readonly startLine: number; readonly endLine: number } | undefined;
}

export interface DocumentFile {
  /** Relative to the root, without a leading slash. */
  readonly path: string;
  /** Lower-case hex. */
  readonly sha1: string;
  readonly sha256: string;
}

/** All that a document says: equal inputs give equal bytes. */
export interface DocumentInput {
  readonly kind: "image" | "directory";
  /** Of what was scanned. */
  readonly name: string;
  /** An absolute URI without fragment; what identifies this document's contents is appended. */
  readonly namespace: string;
  readonly created: Date;
  readonly tool: { readonly name: string; readonly version: string };
  readonly scan: ScanResult;
  /** What was masked of it, in words; undefined where nothing was. */
  readonly redacted: string | undefined;
  /** All regular files of the tree, in the order of the tree. */
  readonly files: readonly DocumentFile[];
  readonly originOf: (path: string) => Origin;
}

/** RFC 3339 in whole seconds, as both formats want it. */
export function createdText({ created }: Pick<DocumentInput, "created">): string {
  return `${created.toISOString().slice(0, "2000-01-01T00:00:00".length)}Z`;
}

/** `Dockerfile:3-5`, or `Dockerfile:3` for one line; undefined where the lines are not known. */
export function dockerfileText({ dockerfile }: Origin): string | undefined {
  if (dockerfile === undefined) return undefined;
  const { file, startLine, endLine } = dockerfile;
  return `${file}:${startLine}${endLine === startLine ? "" : `-${endLine}`}`;
}

/** In one line, whatever the step runs. */
export function stepText({ step }: Origin): string | undefined {
  return step?.replaceAll(/\s+/g, " ").trim();
}
