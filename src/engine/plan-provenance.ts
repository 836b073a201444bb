import { ciBuilder } from "../provenance/ci-builder.ts";
import { parseAttestations, type AttestationPlan } from "../provenance/params.ts";
import type { BuildRequest } from "./build-request.ts";

/** What is to be recorded beside the result (anchor A100–A106). Throws InvalidAttestationError. */
export function planAttestations({ attest, provenance, sbom, env, buildArgs }: BuildRequest): AttestationPlan {
  return parseAttestations({
    attest: attest ?? [],
    provenance,
    sbom,
    noDefault: env["BUILDX_NO_DEFAULT_ATTESTATIONS"],
    buildArgs: new Map(Object.entries(buildArgs ?? {})),
    environmentBuilder: ciBuilder(env)?.id,
  });
}
