/** What the package promises: the names that its doors export, kept as text so that a change of them is seen in every review. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const ROOT: string = join(import.meta.dirname, "..");
const LIST = /^export\s+(type\s+)?\{([^}]*)\}/gm;
const DECLARATION = /^export\s+(?:(interface|type)|(?:abstract\s+)?class|(?:async\s+)?function\*?|const)\s+([A-Za-z_$][\w$]*)/gm;
const UNLISTED = /^export\s+(?:\*|default\b)/m;

export interface Door {
  /** As in `docs/api/<name>.txt`. */
  readonly name: string;
  /** What others import: `stemma`, `stemma/registry`. */
  readonly subpath: string;
  /** The door's source, absolute. */
  readonly source: string;
}

/** The doors that package.json opens to others. Throws when one of them has no source. */
export function publicDoors(): readonly Door[] {
  // Ours: its shape is known.
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly exports: Readonly<Record<string, string | { readonly default: string }>> };
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === "string") return [];
    const name = basename(target.default, ".js");
    const source = join(ROOT, "src/doors", `${name}.ts`);
    if (!existsSync(source)) throw new Error(`package.json exports ${path}, and there is no src/doors/${name}.ts`);
    return [{ name, subpath: path.replace(/^\./, "stemma"), source }];
  });
}

/** One line for each name, sorted: `value build`, `type BuildRequest`. A name that is both has two. */
export function exportedNames(source: string): readonly string[] {
  if (UNLISTED.test(source)) throw new Error("a door lists what it exports by name");
  const declared = [...source.matchAll(DECLARATION)].map(([, typeWord, name = ""]) => line(typeWord !== undefined, name));
  const listed = [...source.matchAll(LIST)].flatMap(([, typeWord, names = ""]) =>
    names.split(",").map((entry) => entry.trim()).filter((entry) => entry !== "").map((entry) => {
      const [, ownTypeWord, name = ""] = /^(type\s+)?(?:.*\sas\s+)?(\S+)$/.exec(entry) ?? [];
      return line(typeWord !== undefined || ownTypeWord !== undefined, name);
    }),
  );
  return [...declared, ...listed].toSorted();
}

function line(isType: boolean, name: string): string {
  return `${isType ? "type " : "value"} ${name}`;
}
