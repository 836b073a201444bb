import type { ControlFields } from "../control-fields.ts";
import type { FoundPackage } from "../found-package.ts";
import type { Related } from "./met-dependencies.ts";

/** A package with its Provides, Depends and Pre-Depends (Debian policy 7). */
export function relatedPackage(fields: ControlFields, found: FoundPackage): Related {
  return { found, provides: names(fields.get("provides")).flat(), needs: ["pre-depends", "depends"].flatMap((field) => names(fields.get(field))) };
}

/** `a (>= 1) | b:any, c` → [[a, b], [c]]. */
function names(relation: string | undefined): string[][] {
  const groups = (relation ?? "").split(",").map((group) => group.split("|").map((alternative) => /^\s*([^\s:([<]+)/.exec(alternative)?.[1] ?? "").filter((name) => name !== ""));
  return groups.filter((group) => group.length > 0);
}
