import { formatPlatform, normalizePlatform, type Platform } from "../oci/platform.ts";
import type { ImageCapture } from "./capture.ts";

/**
 * Of the images that a frontend looked up for all platforms of a build, those that belong to the record of one. An
 * image that was looked up for every platform is split among them; any other, such as one that is pinned to the build
 * platform, may have been used by each. With no more than one platform asked for, all belong to it.
 */
export function platformImages(images: readonly ImageCapture[], platform: Platform, platforms: readonly Platform[]): readonly ImageCapture[] {
  if (platforms.length < 2) return images;
  const split = new Set(images.map(({ ref }) => ref).filter((ref) => platforms.every((wanted) => images.some((image) => image.ref === ref && isFor(image, wanted)))));
  return images.filter((image) => {
    const { ref, platform: own } = image;
    return own === undefined || !split.has(ref) || (own.os === platform.os && own.architecture === platform.architecture);
  });
}

function isFor({ platform: own }: ImageCapture, wanted: Platform): boolean {
  return own !== undefined && formatPlatform(normalizePlatform(own)) === formatPlatform(normalizePlatform(wanted));
}
