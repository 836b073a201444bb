import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Environment } from "../host/environment.ts";
import { isRoot } from "../host/privilege.ts";
import { isObject, parseJsonTree, type JsonObject, type JsonTree } from "../provenance/json-tree.ts";
import { readSettingsDocument, RegistryConfigError } from "../registry/registry-config.ts";
import { RequestError } from "./request-error.ts";
import { settingsPath } from "./settings-path.ts";

/** BuildKit's words for what only it may say. */
const BUILTIN_KEYS: ReadonlySet<string> = new Set(["buildConfig", "builderPlatform", "platform"]);

/**
 * Members that the operator of this machine adds to each record: of the directory that was asked for, else of the one that the settings
 * file names (`provenanceEnvDir`), else of the first that exists of those where BuildKit keeps them.
 * Throws RequestError ("usage") for what is no JSON object and for keys that are ours, and RegistryConfigError.
 */
export async function provenanceEnvironment(asked: string | undefined, env: Environment): Promise<JsonObject> {
  const named = asked ?? (await namedInSettings(settingsPath(env)));
  for (const directory of named === undefined ? defaultDirectories(env, isRoot()) : [named]) {
    const found = await readEnvironment(directory);
    if (found !== undefined) return found;
  }
  return {};
}

/** That of a user who is not root comes first; BuildKit in a user namespace has its own view of /etc. */
export function defaultDirectories(env: Environment, root: boolean): readonly string[] {
  const home = env["XDG_CONFIG_HOME"] || (env["HOME"] ? join(env["HOME"], ".config") : undefined);
  return [...(root || home === undefined ? [] : [join(home, "buildkit", "provenance.d")]), "/etc/buildkit/provenance.d"];
}

async function namedInSettings(path: string): Promise<string | undefined> {
  const { provenanceEnvDir: named } = await readSettingsDocument(path);
  if (named === undefined || named === "") return undefined;
  if (typeof named !== "string") throw new RegistryConfigError(`${path}: provenanceEnvDir is not a text`);
  return resolve(dirname(path), named);
}

/** Files in the order of their names; of two that say the same member, the later one counts. Undefined where there is no such directory. */
async function readEnvironment(directory: string): Promise<JsonObject | undefined> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new RequestError("usage", `provenance environment: ${error.message}`);
  });
  if (entries === undefined) return undefined;
  const names = entries.filter((entry) => !entry.isDirectory() && entry.name.endsWith(".json")).map(({ name }) => name);
  let members: JsonObject = {};
  for (const name of names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) members = { ...members, ...(await readMembers(directory, name)) };
  const builtin = Object.keys(members).find((key) => BUILTIN_KEYS.has(key));
  if (builtin !== undefined) throw new RequestError("usage", `key ${JSON.stringify(builtin)} is builtin and not allowed to be modified in provenance config: take it out of the files in ${directory}`);
  return members;
}

async function readMembers(directory: string, name: string): Promise<JsonObject> {
  const text = await readFile(join(directory, name), "utf8").catch((error: Error) => {
    throw new RequestError("usage", `provenance environment: ${error.message}`);
  });
  const members = parseMembers(text);
  if (!isObject(members)) throw new RequestError("usage", `failed to parse ${name}: a JSON object is needed in ${directory}`);
  return members;
}

/** The parser's own message is not told: it repeats the text, which may be secret. */
function parseMembers(text: string): JsonTree {
  try {
    return parseJsonTree(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
