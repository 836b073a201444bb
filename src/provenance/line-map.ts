import type { Digest } from "../content/digest.ts";
import { nonEmptyList, renderJson, type JsonObject } from "./json-tree.ts";
import { commitDigestSet, digestSet } from "./materials.ts";
import { subjectJson, type Subject } from "./subject.ts";

/** The predicate type of our own: docs/line-map.md tells its members. */
export const LINE_MAP = "urn:stemma:line-map:v1";

/** Lines of one of the map's files, from 1, both inclusive. */
export interface MappedLines {
  readonly file: number;
  readonly start: number;
  readonly end: number;
}

export interface MappedLayer {
  /** As in the image's manifest. */
  readonly digest: Digest;
  /** The step that brought it, by its number in the graph: `step4`. */
  readonly step: string;
  readonly lines: readonly MappedLines[];
  /** Manifest of the image that it came with; undefined for a layer that the step made. */
  readonly image: Digest | undefined;
}

/** Which lines each layer of an image comes from: digests and numbers, so that it goes with any record. */
export interface LineMap {
  /** From the base up; a layer whose step is not known is left out. */
  readonly layers: readonly MappedLayer[];
  /** Of the texts that the lines are of, as they were read. */
  readonly files: readonly Digest[];
  /** The commit that the client named, and whether the files used were found to equal it. */
  readonly commit: { readonly commit: string; readonly verified: boolean } | undefined;
}

/** The map as an in-toto statement. */
export function lineMapStatement({ layers, files, commit }: LineMap, subjects: readonly Subject[]): Uint8Array {
  const predicate: JsonObject = {
    files: nonEmptyList(files.map((digest) => ({ digest: digestSet(digest) }))),
    commit: commit === undefined ? undefined : { digest: commitDigestSet(commit.commit), verified: commit.verified },
    layers: layers.map(layerJson),
  };
  return Buffer.from(renderJson({ _type: "https://in-toto.io/Statement/v1", predicateType: LINE_MAP, subject: subjects.map(subjectJson), predicate }, "compact"));
}

function layerJson({ digest, step, lines, image }: MappedLayer): JsonObject {
  return {
    digest: digestSet(digest),
    step,
    image: image === undefined ? undefined : digestSet(image),
    lines: nonEmptyList(lines.map(({ file, start, end }) => ({ file, start, end }))),
  };
}
