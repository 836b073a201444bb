import {
  ANY, BOOL, BYTES, DECODED, INT, INT64, STRING, mapOf, pointerTo, sliceOf,
  type GoType, type ScalarType, type StructType,
} from "../template/go-type.ts";
import { TIME } from "../template/go-time.ts";
import { optional, record, required } from "../template/record-type.ts";

/*
 * The records that `imagetools inspect --format` shows, with the names, the order and the zero values that
 * templates written for buildx rely on: image-spec's Go types, and buildx's own around them.
 */

const DIGEST: ScalarType = { kind: "string", name: "digest.Digest" };
const NOTHING: StructType = { kind: "struct", name: "struct {}", fields: [] };

const PLATFORM = record("v1.Platform", [
  required("Architecture", "architecture", STRING),
  required("OS", "os", STRING),
  optional("OSVersion", "os.version", STRING),
  optional("OSFeatures", "os.features", sliceOf(STRING)),
  optional("Variant", "variant", STRING),
]);

export const DESCRIPTOR_TYPE: StructType = record("v1.Descriptor", [
  required("MediaType", "mediaType", STRING),
  required("Digest", "digest", DIGEST),
  required("Size", "size", INT64),
  optional("URLs", "urls", sliceOf(STRING)),
  optional("Annotations", "annotations", mapOf(STRING)),
  optional("Data", "data", BYTES),
  optional("Platform", "platform", pointerTo(PLATFORM)),
  optional("ArtifactType", "artifactType", STRING),
]);

/** An index with its own digest and size; the record has no name in Go. */
export const INDEX_TYPE: StructType = record(
  String.raw`struct { SchemaVersion int "json:\"schemaVersion\""; MediaType string "json:\"mediaType,omitempty\""; ` +
    String.raw`Digest digest.Digest "json:\"digest\""; Size int64 "json:\"size\""; Manifests []v1.Descriptor "json:\"manifests\""; ` +
    String.raw`Annotations map[string]string "json:\"annotations,omitempty\"" }`,
  [
    required("SchemaVersion", "schemaVersion", INT),
    optional("MediaType", "mediaType", STRING),
    required("Digest", "digest", DIGEST),
    required("Size", "size", INT64),
    required("Manifests", "manifests", sliceOf(DESCRIPTOR_TYPE)),
    optional("Annotations", "annotations", mapOf(STRING)),
  ],
);

const RUNTIME_CONFIG = record("v1.ImageConfig", [
  optional("User", "User", STRING),
  optional("ExposedPorts", "ExposedPorts", mapOf(NOTHING)),
  optional("Env", "Env", sliceOf(STRING)),
  optional("Entrypoint", "Entrypoint", sliceOf(STRING)),
  optional("Cmd", "Cmd", sliceOf(STRING)),
  optional("Volumes", "Volumes", mapOf(NOTHING)),
  optional("WorkingDir", "WorkingDir", STRING),
  optional("Labels", "Labels", mapOf(STRING)),
  optional("StopSignal", "StopSignal", STRING),
  optional("ArgsEscaped", "ArgsEscaped", BOOL),
]);

const ROOT_FS = record("v1.RootFS", [required("Type", "type", STRING), required("DiffIDs", "diff_ids", sliceOf(DIGEST))]);

const HISTORY = record("v1.History", [
  optional("Created", "created", pointerTo(TIME)),
  optional("CreatedBy", "created_by", STRING),
  optional("Author", "author", STRING),
  optional("Comment", "comment", STRING),
  optional("EmptyLayer", "empty_layer", BOOL),
]);

/** An OCI image configuration. */
export const IMAGE_TYPE: StructType = record("v1.Image", [
  optional("Created", "created", pointerTo(TIME)),
  optional("Author", "author", STRING),
  { name: "Platform", json: "Platform", type: PLATFORM, embedded: true },
  optional("Config", "config", RUNTIME_CONFIG),
  required("RootFS", "rootfs", ROOT_FS),
  optional("History", "history", sliceOf(HISTORY)),
]);

export const PROVENANCE_TYPE: StructType = record("imagetools.provenanceStub", [optional("SLSA", "SLSA", DECODED)]);

export const SBOM_TYPE: StructType = record("imagetools.sbomStub", [
  optional("SPDX", "SPDX", DECODED),
  optional("AdditionalSPDXs", "AdditionalSPDXs", sliceOf(DECODED)),
]);

/** What methods return, by their names in a template. */
export interface InspectMethods {
  readonly Provenance: () => unknown;
  readonly SBOM: () => unknown;
}

/** What the template is run on, for an image of one platform. */
export function singleInputType(methods: InspectMethods): StructType {
  return inputType("imagetools.tplInput", pointerTo(IMAGE_TYPE), methods);
}

/** The same for several: all but name and manifest are maps by platform. */
export function multiInputType(methods: InspectMethods): StructType {
  return inputType("imagetools.tplInputs", mapOf(pointerTo(IMAGE_TYPE)), methods);
}

function inputType(name: string, image: GoType, { Provenance, SBOM }: InspectMethods): StructType {
  const fields = [optional("Name", "name", STRING), optional("Manifest", "manifest", ANY), optional("Image", "image", image)];
  return { ...record(name, fields), methods: { Provenance, SBOM } };
}
