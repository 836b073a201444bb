import { goJson } from "../../content/go-json.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { descriptorInOrder } from "../../oci/member-order.ts";
import { InvalidPlatformError, parsePlatform, type Platform } from "../../oci/platform.ts";
import { repositoryName, type Reference } from "../../oci/reference.ts";
import { EvidenceError } from "../evidence-error.ts";
import { combine, type NewRoot } from "./combine.ts";
import { copyImage, type CopyMeans } from "./copy-image.ts";
import { readCopySet, type CopySet } from "./copy-set.ts";
import { parseCreateAnnotation } from "./create-annotation.ts";
import { keepPlatforms } from "./keep-platforms.ts";
import { locationText, parseLocation } from "./location.ts";
import { parseSource } from "./source-text.ts";
import { openSources, SourcePlaces } from "./sources.ts";
import { checkSubjects } from "./subject-check.ts";

/** An image made of others, as `docker buildx imagetools create` takes it. */
export interface CreateRequest {
  /** References, digests, or descriptors as JSON; in the order of the new index. */
  readonly sources: readonly string[];
  /** What the new image is to be called. Empty only to see what it would be. */
  readonly tags: readonly string[];
  /** `index:key=value`, `manifest-descriptor[linux/arm64]:key=value`. */
  readonly annotations?: readonly string[];
  /** Adds to what the first tag names now. */
  readonly append?: boolean;
  /** Puts an index around a single manifest. Default: true. */
  readonly preferIndex?: boolean;
  /** Keeps only these; empty keeps all. */
  readonly platforms?: readonly string[];
}

export interface CreateOptions extends CopyMeans {
  /** What the path of a layout is relative to. */
  readonly cwd: string;
  /** What a platform's name leaves out. */
  readonly host: Platform;
}

export interface CreatedImage {
  readonly descriptor: Descriptor;
  /** Of the index or manifest. */
  readonly bytes: Uint8Array;
  /** The text of buildx's metadata file (JSON). */
  readonly metadata: string;
}

/**
 * Makes an image of others, with their evidence, under all of the tags or under none. Throws EvidenceError: "usage" in
 * buildx's words, "not-found", and "verification" where evidence is not about the manifest that it stands for;
 * RegistryError, ImageError.
 */
export async function createImage(request: CreateRequest, options: CreateOptions, signal: AbortSignal): Promise<CreatedImage> {
  requireSources(request);
  if (request.tags.length === 0) throw new EvidenceError("usage", "can't push with no tags specified, please set --tag or --dry-run");
  await using places = new SourcePlaces(options);

  const targets = request.tags.map(parseTarget);
  const { root, set } = await decide(request, { places, host: options.host, signal });
  refuseOtherDigest(targets, root);
  await copyImage({ root, set, targets }, options, signal);
  return created(root, targets);
}

/** What `createImage` would make: everything is read and checked, and nothing is written. */
export async function previewImage(request: CreateRequest, options: CreateOptions, signal: AbortSignal): Promise<CreatedImage> {
  await using places = new SourcePlaces(options);

  const { root } = await decide(request, { places, host: options.host, signal });
  return created(root, request.tags.map(parseTarget));
}

interface Decision {
  readonly places: SourcePlaces;
  readonly host: Platform;
  readonly signal: AbortSignal;
}

async function decide(request: CreateRequest, { places, host, signal }: Decision): Promise<{ readonly root: NewRoot; readonly set: CopySet }> {
  const { append = false, preferIndex = true } = request;
  requireSources(request);
  const appendTo = append ? request.tags.slice(0, 1) : [];
  const texts = [...appendTo, ...request.sources].map(parseSource);
  const annotations = (request.annotations ?? []).filter((text) => text !== "").flatMap((text) => parseCreateAnnotation(text, host));
  const platforms = (request.platforms ?? []).flatMap((text) => text.split(",")).map((text) => platformOf(text, host));
  const sources = await openSources(texts, request.tags.map(parseLocation), places, signal);
  const root = await keepPlatforms(combine(sources, annotations, preferIndex), platforms, signal);
  const set = await readCopySet(root, signal);
  await checkSubjects(set, signal);
  return { root, set };
}

function requireSources({ sources }: CreateRequest): void {
  if (sources.length === 0) throw new EvidenceError("usage", "no sources specified");
}

function parseTarget(text: string): Reference {
  const location = parseLocation(text);
  if (location.kind === "registry") return location.reference;
  throw new EvidenceError("usage", `${text}: an image is created in a registry, not in a layout; \`stemma build -o type=oci\` writes layouts`);
}

function platformOf(text: string, host: Platform): Platform {
  try {
    return parsePlatform(text, host);
  } catch (cause) {
    if (!(cause instanceof InvalidPlatformError)) throw cause;
    throw new EvidenceError("usage", `invalid platform ${JSON.stringify(text)}: ${cause.message}`, { cause });
  }
}

function refuseOtherDigest(targets: readonly Reference[], { descriptor }: NewRoot): void {
  const other = targets.find(({ digest }) => digest !== undefined && digest !== descriptor.digest);
  if (other === undefined) return;
  throw new EvidenceError("usage", `target ${locationText({ kind: "registry", reference: other })} requested digest ${other.digest} but produced ${descriptor.digest}`);
}

function created({ descriptor, bytes }: NewRoot, targets: readonly Reference[]): CreatedImage {
  const written = descriptorInOrder(descriptor);
  const names = [...new Set(targets.map(repositoryName))].toSorted();
  const metadata = goJson({ "containerimage.descriptor": written, "image.name": names.join(",") }, "  ");
  return { descriptor: written, bytes, metadata };
}
