import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../host/clock.ts";
import { Workspace } from "../snapshot/workspace.ts";
import { mayNotWrite } from "../host/may-not-write.ts";
import { BuildHistory, type WritingPlace } from "./build-history.ts";

/** The builds of one state root, without opening anything else of it. */
export interface OpenHistory extends AsyncDisposable {
  readonly builds: BuildHistory;
}

/** Undefined where there is no such root: no build was ever run in it. */
export function openHistory(root: string): OpenHistory | undefined {
  if (!existsSync(root)) return undefined;
  const place = writingPlace(join(root, "work"));
  return { builds: new BuildHistory(join(root, "history"), place, systemClock), [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() };
}

/** For what is not whole yet. Opened by the first who writes: who only looks may not be able to, and needs none. */
function writingPlace(directory: string): WritingPlace & AsyncDisposable {
  let opened: Workspace | undefined;
  const workspace = (): Workspace => (opened ??= new Workspace(directory));
  return {
    claim: () => workspace().claim(),
    discard: (path) => workspace().discard(path),
    drop: (path) => workspace().drop(path),
    async [Symbol.asyncDispose]() {
      try {
        await opened?.[Symbol.asyncDispose]();
      } catch (error) {
        // What others left stays for who can take it away. Who had to write here has heard of it before.
        if (!mayNotWrite(error)) throw error;
      }
    },
  };
}
