import { refuseTarget } from "../export/form-limits.ts";
import type { ExportTarget } from "../export/target.ts";
import { hostPlatform } from "../host/host-platform.ts";
import type { BuildPlan } from "./build-plan.ts";

/**
 * Refuses targets that cannot hold what the build will come to, before anything is built: found at the end, it would have
 * cost the build, and other targets would have been published. Throws ExportError ("usage").
 */
export function refuseTargets({ exports, platforms, provenance, buildArgs }: BuildPlan): void {
  // It makes an index of any image: what that comes to, the frontend knows.
  if (buildArgs.has("BUILDKIT_MULTI_PLATFORM")) return;
  const built = platforms.length === 0 ? [hostPlatform()] : platforms;
  for (const target of exports) {
    if ("form" in target) refuseTarget(target, { platforms: built, attests: attests(target, provenance), indexAlways: false });
  }
}

/** Archives are no images to BuildKit: a provenance that is for images only is not for them. */
function attests({ kind }: ExportTarget, provenance: BuildPlan["provenance"]): boolean {
  return provenance !== undefined && (kind === "image" || !provenance.inlineOnly);
}
