import type { DirectoryScout } from "../host/directory-scout.ts";
import { rememberWalk, type Walked } from "../host/scout-memory.ts";
import { openDirectory } from "../session/directory.ts";
import type { LocalDirectory } from "../session/session.ts";
import { bytesDirectory } from "../session/bytes-directory.ts";
import type { BuildPlan } from "./build-plan.ts";
import { contextDirectoryName } from "./frontend-attributes.ts";

/** Where the client's directories are, by the names that the frontend asks for. */
export function directoryPaths(plan: BuildPlan): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  if (plan.context.kind === "directory") paths.set("context", plan.context.path);
  if (plan.dockerfile.kind === "file") paths.set("dockerfile", plan.dockerfile.directory);
  for (const context of plan.namedContexts) if (context.kind === "directory") paths.set(contextDirectoryName(context.name), context.path);
  return paths;
}

export interface LendingMeans {
  /** Without links: state of ours that lies in a directory is no part of it. */
  readonly stateRoot: string;
  /** Of the context. */
  readonly scout: DirectoryScout | undefined;
  readonly walks: ContextWalks;
  /** For a Dockerfile at an address: filled before anybody asks. */
  readonly downloaded: ReadonlyMap<string, Uint8Array>;
}

/** The largest walk of the context, remembered at the end for the next build's scout. */
export class ContextWalks implements Disposable {
  readonly #stateRoot: string;
  #largest: { readonly root: string; readonly walked: Walked } | undefined;

  constructor(stateRoot: string) {
    this.#stateRoot = stateRoot;
  }

  readonly note = (root: string, walked: Walked): void => {
    if (walked.nameCount >= (this.#largest?.walked.nameCount ?? 0)) this.#largest = { root, walked };
  };

  [Symbol.dispose](): void {
    if (this.#largest !== undefined) rememberWalk(this.#stateRoot, this.#largest.root, this.#largest.walked);
  }
}

/** The directories that this build lends. */
export function lentDirectories(plan: BuildPlan, { stateRoot, scout, walks, downloaded }: LendingMeans): ReadonlyMap<string, LocalDirectory> {
  const lent = new Map<string, LocalDirectory>();
  for (const [name, path] of directoryPaths(plan)) lent.set(name, openDirectory(path, { exclude: [stateRoot], ...(name === "context" ? { scout, onWalked: walks.note } : {}) }));
  if (plan.context.kind === "empty") lent.set("context", bytesDirectory(new Map()));
  if (plan.dockerfile.kind === "remote") lent.set("dockerfile", bytesDirectory(downloaded));
  if (plan.dockerfile.kind === "text") lent.set("dockerfile", bytesDirectory(new Map([["Dockerfile", plan.dockerfile.text]])));
  return lent;
}
