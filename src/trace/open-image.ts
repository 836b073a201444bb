import { resolve } from "node:path";
import { InvalidDigestError, parseDigest } from "../content/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { formatReference, parseReference, tagNameOnly, withDigest, type Reference } from "../oci/reference.ts";
import { formatLayoutReference, openOciLayout, parseLayoutReference, type ImageSource, type LayoutReference, type OciLayout } from "../registry/oci-layout.ts";
import type { RepositoryName } from "../registry/repository-servers.ts";
import { ImageError } from "./image-error.ts";
import { readImageRecord, type ImageRecord } from "./image-record.ts";

/** An image that was found, with the name that it was found by. */
export interface OpenImage extends AsyncDisposable {
  /** As it was asked for. */
  readonly name: string;
  /** In full: `docker.io/library/alpine:latest`, `oci-layout://dir:tag`. */
  readonly fullName: string;
  readonly record: ImageRecord;
  /** The full name of another manifest in the same place. */
  nameOf(descriptor: Descriptor): string;
}

/** What opens repositories; a registry client is one. */
export interface ImageSources {
  repository(name: RepositoryName, access: "pull"): ImageSource;
}

export interface OpenImageOptions {
  readonly client: ImageSources;
  /** What the path of a layout is relative to. */
  readonly cwd: string;
}

/**
 * Opens an image by a reference or by `oci-layout://path[:tag][@digest]`. Throws ImageError "not-found", RegistryError,
 * InvalidReferenceError.
 */
export async function openImage(name: string, options: OpenImageOptions, signal: AbortSignal): Promise<OpenImage> {
  const layout = parseLayoutReference(name);
  return layout === undefined ? await openFromRegistry(name, options, signal) : await openFromLayout(name, { layout, cwd: options.cwd }, signal);
}

async function openFromRegistry(name: string, { client }: OpenImageOptions, signal: AbortSignal): Promise<OpenImage> {
  const reference: Reference = tagNameOnly(parseReference(name));
  const fullName = formatReference(reference);
  const repository = client.repository({ domain: reference.domain, path: reference.path }, "pull");
  const wanted = reference.digest ?? reference.tag ?? "latest";
  if (reference.digest !== undefined) checkAlgorithm(fullName, reference.digest);
  const root = await repository.resolve(wanted, signal);
  if (root === undefined) throw new ImageError("not-found", `${fullName}: not found`);
  return {
    name,
    fullName,
    record: await readImageRecord(repository, root, signal),
    nameOf: ({ digest }) => formatReference(withDigest(reference, digest)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function openFromLayout(name: string, { layout, cwd }: { readonly layout: LayoutReference; readonly cwd: string }, signal: AbortSignal): Promise<OpenImage> {
  const wanted: LayoutReference = layout.digest === undefined ? { ...layout, tag: layout.tag ?? "latest" } : layout;
  const fullName = formatLayoutReference(wanted);
  const opened = await openOciLayout(resolve(cwd, layout.path), signal);
  try {
    const root = await rootOf(opened, layout, signal);
    if (root === undefined) throw new ImageError("not-found", `${fullName}: not found`);
    return {
      name,
      fullName,
      record: await readImageRecord(opened, root, signal),
      nameOf: ({ digest }) => formatLayoutReference({ path: layout.path, tag: undefined, digest }),
      [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
    };
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}

/** A layout with one image needs no tag to tell it from others. */
async function rootOf(opened: OciLayout, { tag, digest }: LayoutReference, signal: AbortSignal): Promise<Descriptor | undefined> {
  const root = await opened.resolve(digest ?? tag ?? "latest", signal);
  return root ?? (tag === undefined && digest === undefined ? await opened.only(signal) : undefined);
}

function checkAlgorithm(name: string, digest: string): void {
  try {
    parseDigest(digest);
  } catch (cause) {
    if (!(cause instanceof InvalidDigestError)) throw cause;
    throw new ImageError("usage", `${name}: only sha256 digests are supported`, { cause });
  }
}
