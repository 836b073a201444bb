import { formatPlatform, normalizePlatform, parsePlatform } from "../oci/platform.ts";
import { ImageError } from "./image-error.ts";
import type { OpenImage } from "./open-image.ts";
import type { PlatformImage } from "./platform-image.ts";

export interface ChosenPlatform {
  /** `linux/amd64`. */
  readonly name: string;
  readonly image: PlatformImage;
}

/**
 * The image for a platform; that may be left out where there is only one. Throws ImageError: "usage" where a choice is
 * needed, "not-found" where there is none for it; InvalidPlatformError.
 */
export async function choosePlatform({ fullName, record }: OpenImage, wanted: string | undefined, signal: AbortSignal): Promise<ChosenPlatform> {
  const platforms = await record.platforms(signal);
  const names = [...platforms.keys()].join(", ");
  const [only] = platforms;
  if (only === undefined) throw new ImageError("not-found", `${fullName}: an index without images`);
  if (wanted === undefined) {
    if (platforms.size === 1) return { name: only[0], image: only[1] };
    throw new ImageError("usage", `${fullName}: an image for several platforms; choose one with --platform: ${names}`);
  }
  const name = platforms.has(wanted) ? wanted : formatPlatform(normalizePlatform(parsePlatform(wanted, { os: "linux", architecture: "amd64" })));
  const image = platforms.get(name);
  if (image === undefined) throw new ImageError("not-found", `${fullName}: no image for ${wanted}; there is ${names}`);
  return { name, image };
}
