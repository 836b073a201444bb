import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Environment } from "./environment.ts";

/** Where systems keep commands when PATH does not say. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The Node that runs us: what a helper process of ours is started with. */
export function nodeExecutable(): string {
  return process.execPath;
}

/** PATH as commands of ours are given it: the caller's, then the directories for administrators, which users' PATHs often lack. */
export function searchPath(environment: Environment): string {
  return [environment["PATH"] ?? "", DEFAULT_PATH].filter((part) => part !== "").join(delimiter);
}

/** The first executable file of that name on the search path. */
export function findExecutable(name: string, environment: Environment): string | undefined {
  return searchPath(environment)
    .split(delimiter)
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => join(directory, name))
    .find((path) => isExecutable(path));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
