import type { PlatformInit } from "../../llb/vertex.ts";
import type { Platform } from "../../oci/platform.ts";

/** An image-spec platform in LLB's terms. */
export function llbPlatform(platform: Platform): PlatformInit {
  return {
    OS: platform.os,
    Architecture: platform.architecture,
    Variant: platform.variant ?? "",
    OSVersion: platform["os.version"] ?? "",
    OSFeatures: [...(platform["os.features"] ?? [])],
  };
}
