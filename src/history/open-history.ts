import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../host/clock.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { BuildHistory } from "./build-history.ts";

/** The builds of one state root, without opening anything else of it. */
export interface OpenHistory extends AsyncDisposable {
  readonly builds: BuildHistory;
}

/** Undefined where there is no such root: no build was ever run in it. */
export function openHistory(root: string): OpenHistory | undefined {
  if (!existsSync(root)) return undefined;
  return openedHistory(root, new Workspace(join(root, "work")));
}

/** `workspace` is for what is not whole yet, and is closed with it. */
function openedHistory(root: string, workspace: Workspace): OpenHistory {
  return { builds: new BuildHistory(join(root, "history"), workspace, systemClock), [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose]() };
}
