import type { Digest } from "../content/digest.ts";
import type { Platform } from "../oci/platform.ts";
import type { JsonObject } from "./json-tree.ts";
import { digestSet } from "./materials.ts";
import { imagePurl } from "./purl.ts";

/** What a statement speaks of. */
export interface Subject {
  readonly name: string;
  readonly digest: Digest;
}

/** An image's manifest for one platform, once under each of its names; an image without a name has no subject. */
export function imageSubjects(names: readonly string[], platform: Platform, manifest: Digest): readonly Subject[] {
  return names.filter((name) => name !== "").map((name) => ({ name: imagePurl("docker", name, platform), digest: manifest }));
}

/** The regular files of a result that is no image, by path, in the order of a walk. */
export function fileSubjects(files: ReadonlyArray<{ readonly path: string; readonly digest: Digest }>): readonly Subject[] {
  return files.map(({ path, digest }) => ({ name: path, digest }));
}

export function subjectJson({ name, digest }: Subject): JsonObject {
  return { name, digest: digestSet(digest) };
}
