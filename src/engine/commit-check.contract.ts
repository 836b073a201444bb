import assert from "node:assert/strict";
import { join } from "node:path";
import { formatOf } from "../git/object-id.ts";
import type { CommitCheck } from "../git/verify-commit.ts";
import { systemClock, type Clock } from "../host/clock.ts";
import { openDirectory } from "../session/directory.ts";
import type { LocalDirectory, LocalSelection, Session } from "../session/session.ts";
import { openStateDatabase, type StateDatabase } from "../store/state-database.ts";
import type { TestWorkTree } from "../testing/work-tree.ts";
import { checkCommit } from "./check-commit.ts";
import { localSources } from "./locals.ts";

export const signal: AbortSignal = new AbortController().signal;
export const EVERYTHING: LocalSelection = { followPaths: undefined, includePatterns: [], excludePatterns: ["**/.git"] };
/** Sees all files as old enough to be remembered. */
export const later: Clock = { ...systemClock, nowNs: () => systemClock.nowNs() + 10_000_000_000n };

export interface CheckOptions {
  /** Directory below the top. */
  readonly context?: string;
  readonly selection?: Partial<LocalSelection>;
  readonly database?: StateDatabase;
  readonly reads?: string[];
  readonly signal?: AbortSignal;
}

/** What a build of a context finds that reads this selection of it. */
export async function check(repo: TestWorkTree, { context = "", selection = {}, database, reads = [], signal: stop = signal }: CheckOptions = {}): Promise<CommitCheck> {
  using owned = database === undefined ? openStateDatabase(":memory:") : undefined;
  const state = database ?? owned ?? openStateDatabase(":memory:");
  const commit = await repo.git("rev-parse", "HEAD");
  const path = join(repo.root, context);
  const locals = localSources({ session: sessionOf(counted(openDirectory(path, { clock: later }), reads)), database: state, blobFormat: formatOf(commit), findsSecrets: false });
  await locals.read("context", { ...EVERYTHING, ...selection }, signal);
  return await checkCommit({ root: repo.root, commit, locals: locals.done, directories: new Map([["context", path]]), database: state, env: repo.env }, stop);
}

export function sessionOf(directory: LocalDirectory): Session {
  return { id: "test", directory: () => directory, secret: async () => undefined, agent: async () => undefined };
}

function counted(directory: LocalDirectory, reads: string[]): LocalDirectory {
  return {
    walk: (selection, walkSignal) => directory.walk(selection, walkSignal),
    read(path, readSignal) {
      reads.push(path);
      return directory.read(path, readSignal);
    },
  };
}

export function equal(files: number, converted = 0): CommitCheck {
  return { kind: "equal", files, converted };
}

/** `path: reason` of each difference. */
export function differences(found: CommitCheck): readonly string[] {
  assert.equal(found.kind, "different", JSON.stringify(found));
  return found.differences.map(({ path, reason }) => `${path}: ${reason}`);
}
