import { parseAttestations, type ProvenancePlan } from "../provenance/params.ts";
import type { BuildRequest } from "./build-request.ts";
import { RequestError } from "./request-error.ts";

/** What is to be recorded (anchor A100–A106). Throws InvalidAttestationError, and refuses an SBOM, which there is no scanner for yet. */
export function planProvenance({ attest, provenance, env, buildArgs }: BuildRequest): ProvenancePlan | undefined {
  const plan = parseAttestations({
    attest: attest ?? [],
    provenance,
    sbom: undefined,
    noDefault: env["BUILDX_NO_DEFAULT_ATTESTATIONS"],
    buildArgs: new Map(Object.entries(buildArgs ?? {})),
  });
  if (plan.sbom !== undefined) throw new RequestError("usage", "--attest type=sbom is not supported yet");
  if (plan.provenance?.captureUsage === true) throw new RequestError("usage", "--provenance capture-usage=true is not supported yet");
  return plan.provenance;
}
