import { engineTakes } from "../export/docker-engine.ts";
import { inFormOf } from "../export/output-flag.ts";
import type { ExportTarget } from "../export/target.ts";
import type { BuildPlan } from "./build-plan.ts";
import { refuseTargets } from "./plan-targets.ts";

/** Asks Docker engines what they take, before anything is built. Throws ExportError where nobody answers, and for what the engine cannot hold. */
export async function withEngines(plan: BuildPlan, signal: AbortSignal): Promise<BuildPlan> {
  const asked = async (target: ExportTarget): Promise<ExportTarget> => {
    if (target.kind !== "docker-tar" || target.destination.kind !== "engine") return target;
    return inFormOf(target, await engineTakes(target.destination.address, signal));
  };
  const [first, ...rest] = plan.exports;
  const settled: BuildPlan = { ...plan, exports: [await asked(first), ...(await Promise.all(rest.map(asked)))] };
  refuseTargets(settled);
  return settled;
}
