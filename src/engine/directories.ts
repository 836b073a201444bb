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

/** The directories that this build lends; state of ours that lies in one of them (`stateRoot`, without links) is no part of it. */
export function lentDirectories(plan: BuildPlan, stateRoot: string): ReadonlyMap<string, LocalDirectory> {
  const lent = new Map<string, LocalDirectory>();
  for (const [name, path] of directoryPaths(plan)) lent.set(name, openDirectory(path, { exclude: [stateRoot] }));
  if (plan.context.kind === "empty") lent.set("context", bytesDirectory(new Map()));
  if (plan.dockerfile.kind === "text") lent.set("dockerfile", bytesDirectory(new Map([["Dockerfile", plan.dockerfile.text]])));
  return lent;
}
