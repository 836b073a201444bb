import { goBoolean } from "../content/go-boolean.ts";
import { planStore, type Compat } from "../export/compat.ts";
import type { EvidenceWishes } from "../export/evidence.ts";
import type { ExportTarget } from "../export/target.ts";
import type { BuildPlan } from "./build-plan.ts";
import type { BuildRequest } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** Where evidence goes, and in which form. Throws RequestError and ExportError ("usage"). */
export function planEvidence({ attestStore, platforms = [], buildArgs = {}, env }: BuildRequest, compat: Compat | undefined, path: (text: string) => string): EvidenceWishes {
  const indexAlways = goBoolean(buildArgs["BUILDKIT_MULTI_PLATFORM"]) === true;
  return { store: planStore({ compat, attestStore, platforms, indexAlways }, path), artifact: !noArtifactByDefault(env) };
}

/** In buildx's words (anchor A46). */
function noArtifactByDefault(env: BuildRequest["env"]): boolean {
  const text = env["BUILDX_NO_DEFAULT_OCI_ARTIFACT"];
  if (text === undefined) return false;
  const value = goBoolean(text);
  if (value === undefined) throw new RequestError("usage", `invalid BUILDX_NO_DEFAULT_OCI_ARTIFACT: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}

/** True where statements are made for the target's image: a provenance that is for images only, an archive gets when it asks for it. */
export function attestsImage(target: ExportTarget, { provenance, sbom }: Pick<BuildPlan, "provenance" | "sbom">): boolean {
  return "form" in target && (sbom !== undefined || (provenance !== undefined && (target.form.attestInline || !provenance.inlineOnly)));
}
