import { MEDIA_TYPE } from "../oci/media-type.ts";
import type { ManifestPut, Refusal } from "./fake-registry.ts";

const IMAGE_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPE.ociConfig, MEDIA_TYPE.dockerConfig]);

type Refuse = (put: ManifestPut) => Refusal | undefined;

/** What registries in the wild refuse, in their words. For startFakeRegistry's `refuse`. */
export const REFUSING: Readonly<Record<"emptyConfig" | "unknownTypes" | "unknownTypes415" | "subjects" | "subjectsFirst" | "movedTags" | "digestTags", Refuse>> = {
  /** Aliyun's, since 2026-08: BuildKit's own form of attestations. */
  emptyConfig: ({ manifest: { config } }) =>
    config?.mediaType === MEDIA_TYPE.ociEmpty ? { status: 403, code: "DENIED", message: `unknown manifest class for ${config.mediaType}` } : undefined,
  /** GitLab's and Quay's lists of known types. */
  unknownTypes: ({ manifest: { artifactType, config } }) => {
    const unknown = [artifactType, config?.mediaType].find((type) => type !== undefined && !IMAGE_TYPES.has(type));
    return unknown === undefined ? undefined : { status: 400, code: "MANIFEST_INVALID", message: `unknown media type: ${unknown}` };
  },
  /** Older gateways, which say it with another status. */
  unknownTypes415: (put) => {
    const refusal = REFUSING.unknownTypes(put);
    return refusal === undefined ? undefined : { ...refusal, status: 415 };
  },
  /** A schema that knows no `subject`. */
  subjects: ({ manifest: { subject } }) => (subject === undefined ? undefined : { status: 400, code: "MANIFEST_INVALID", message: "additional property subject is not allowed" }),
  /** GitLab's: what a manifest is about has to be there before it. */
  subjectsFirst: ({ manifest: { subject }, hasSubject }) =>
    subject === undefined || hasSubject ? undefined : { status: 404, code: "MANIFEST_BLOB_UNKNOWN", message: `blob unknown to registry: ${subject.digest}` },
  /** Repositories whose tags cannot be moved. */
  movedTags: ({ name, replaces }) =>
    replaces === undefined ? undefined : { status: 409, code: "TAG_INVALID", message: `the tag ${name} is immutable` },
  /** Names that nobody but people give. */
  digestTags: ({ name }) => (name.startsWith("sha256-") ? { status: 400, code: "TAG_INVALID", message: "invalid tag name" } : undefined),
};
