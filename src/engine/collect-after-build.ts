import type { ReportEvent } from "../progress/event.ts";
import type { CollectionPolicy } from "../upkeep/collection-policy.ts";
import type { Engine } from "./engine.ts";

/** The engine is open still, and so holds what its build used. */
export interface EndedBuild {
  readonly engine: Engine;
  readonly report: ReportEvent;
}

/** What a build has come to stands already; that there was no room to be made is worth a line, no more. Whoever aborts does not wait for it. */
export async function collectAfterBuild(policies: readonly CollectionPolicy[], { engine, report }: EndedBuild, signal: AbortSignal): Promise<void> {
  if (policies.length === 0 || signal.aborted) return;
  try {
    const { collect } = await import("../upkeep/collect.ts");
    await collect(engine.state.root, policies, signal);
  } catch (error) {
    if (!signal.aborted) report({ kind: "notice", message: `WARNING: the store was not collected as the settings say: ${error instanceof Error ? error.message : String(error)}` });
  }
}
