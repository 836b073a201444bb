import type { Descriptor } from "../oci/descriptor.ts";
import type { Revision } from "./build-record.ts";
import type { PathFinding } from "./find-path.ts";
import type { LayerMatch } from "./layer-origin.ts";

/** What is asked about an image; without a path, a layer or a line, where each of its layers comes from. */
export type TraceQuestion =
  | { readonly kind: "layers" }
  | { readonly kind: "path"; readonly path: string }
  /** A layer by its digest or its diff id, or by enough of one's first digits. */
  | { readonly kind: "layer"; readonly digest: string }
  /** A line of the Dockerfile, or of another file that the record names. */
  | { readonly kind: "line"; readonly line: number; readonly file: string | undefined };

/** The way from the image back to its sources, as its record tells it. */
export interface TraceAnswer {
  readonly image: TracedImage;
  readonly question: TraceQuestion;
  /** For a path: where it lies. */
  readonly path: PathFinding | undefined;
  readonly layers: readonly TracedLayer[];
  /** For a line: the steps that come from it, whether they made a layer of this image or not. */
  readonly steps: readonly TracedStep[];
  readonly revision: Revision | undefined;
  /** What the answer rests on; undefined where the image has no provenance. */
  readonly record: TracedRecord | undefined;
  /** What could not be told, and why. Nothing is guessed in its place. */
  readonly missing: readonly string[];
}

export interface TracedImage {
  readonly name: string;
  /** Of the platform's manifest. */
  readonly digest: string;
  readonly platform: string;
}

export interface TracedRecord {
  readonly predicateType: string;
  readonly digest: string;
}

export interface TracedLayer {
  /** From 1, the lowest. */
  readonly number: number;
  readonly count: number;
  readonly descriptor: Descriptor;
  readonly diffId: string | undefined;
  /** What the image's own history says of the layer: what the builder wrote, with no way to check it. */
  readonly createdBy: string | undefined;
  readonly origin: TracedOrigin;
}

export type TracedOrigin =
  | { readonly kind: "step"; readonly step: TracedStep; readonly match: LayerMatch }
  | { readonly kind: "base"; readonly base: TracedBase; readonly step: TracedStep; readonly match: LayerMatch }
  | { readonly kind: "unknown"; readonly missing: string };

/** The image that a layer was taken over from. */
export interface TracedBase {
  /** `docker.io/library/busybox:latest@sha256:…`. */
  readonly reference: string;
  /** Its entry among the record's dependencies; undefined where it has none. */
  readonly purl: string | undefined;
}

export interface TracedStep {
  /** As the record numbers it: `step5`. */
  readonly id: string;
  readonly summary: string;
  readonly lines: readonly TracedLines[];
  /** The steps whose results it used. */
  readonly inputs: ReadonlyArray<Omit<TracedStep, "inputs">>;
}

export interface TracedLines {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** Undefined where the record has no text of the file. */
  readonly text: readonly string[] | undefined;
}
