import type { Scrubber } from "../scrub/scrubber.ts";
import { isList, isObject, type JsonTree } from "./json-tree.ts";

/** Learns the secrets among members of whatever shape, each judged by its name. To be done before the first text is scrubbed. */
export function learnNamed(name: string, value: JsonTree, scrubber: Scrubber): void {
  if (typeof value === "string") scrubber.learnVariable(name, value);
  else if (isList(value)) for (const item of value) learnNamed(name, item, scrubber);
  else if (isObject(value)) for (const [key, member] of Object.entries(value)) learnNamed(key, member, scrubber);
}
