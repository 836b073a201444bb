import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { evidenceForms } from "../export/evidence.ts";
import { refuseTarget } from "../export/form-limits.ts";
import { hostPlatform } from "../host/host-platform.ts";
import type { BuildPlan } from "./build-plan.ts";
import { attestsImage } from "./plan-evidence.ts";
import { RequestError } from "./request-error.ts";

/**
 * Refuses targets that cannot hold what the build will come to, before anything is built: found at the end, it would have
 * cost the build, and other targets would have been published. Throws ExportError and RequestError ("usage").
 */
export function refuseTargets(plan: BuildPlan): void {
  const { exports, platforms, buildArgs } = plan;
  const images = exports.filter((target) => "form" in target);
  const built = platforms.length === 0 ? [hostPlatform()] : platforms;
  const attested = images.filter((target) => attestsImage(target, plan, built.length > 1));
  if (attested.filter(({ form }) => form.evidence.store.kind === "file").length > 1) {
    throw new RequestError("usage", "--attest-store=file: several outputs would write their statements to the same files; build them one by one");
  }
  // It makes an index of any image: what that comes to, the frontend knows.
  if (buildArgs.has("BUILDKIT_MULTI_PLATFORM")) return;
  for (const target of images) {
    // What an engine takes is not known before it was asked: see withEngines.
    if (target.kind === "docker-tar" && target.destination.kind === "engine" && target.destination.takes === undefined) continue;
    const [wanted] = evidenceForms(target.form.evidence);
    refuseTarget(target, { platforms: built, evidence: attested.includes(target) ? wanted.place : "apart", indexAlways: false });
  }
}

interface Deletion {
  readonly allow: readonly string[];
  /** The working directory. */
  readonly directory: () => string;
}

/** As buildx has it, a directory outside of the working directory is emptied only where that is allowed by name. Throws RequestError ("usage"). */
export function refuseDeletion(targets: BuildPlan["exports"], { allow, directory }: Deletion): void {
  if (allow.includes("buildx.local.delete")) return;
  for (const target of targets) {
    if (target.kind !== "local" || target.mode !== "delete") continue;
    if (realPath(target.path).startsWith(`${realPath(directory()).replace(/\/$/, "")}/`)) continue;
    throw new RequestError("usage", `--output type=local,mode=delete: ${target.path} is not below the working directory, and all that the result does not name would be removed there: add --allow buildx.local.delete`);
  }
}

/** Where a path leads, as far as it is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(path) === path) throw error;
    return join(realPath(dirname(path)), basename(path));
  }
}
