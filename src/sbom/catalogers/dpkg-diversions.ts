import type { CatalogContext } from "../cataloger.ts";
import { parseFile } from "../read-file.ts";

const PATH = "var/lib/dpkg/diversions";
/** In place of a package's name: of the administrator, and so of none. */
const LOCAL = ":";

/** Files that a package installs elsewhere than listed, as another package took the place (dpkg-divert(1)). */
export interface Diversions {
  /** Where the paths that a package lists really lie. */
  apply(name: string, listed: readonly string[]): readonly string[];
}

export async function readDiversions(context: CatalogContext, signal: AbortSignal): Promise<Diversions> {
  const file = context.tree.locate(PATH);
  const diverted = file === undefined ? undefined : await parseFile(file, (bytes) => parseDiversions(bytes.toString("utf8")), context, signal);
  return {
    apply: (name, listed) => listed.map((path) => {
      const diversion = diverted?.get(path);
      return diversion === undefined || diversion.by === name ? path : diversion.to;
    }),
  };
}

/** Three lines each: the contested path, where it goes, and the package that may keep the place. */
function parseDiversions(text: string): ReadonlyMap<string, { readonly to: string; readonly by: string }> {
  const lines = text.split("\n");
  const starts = Array.from({ length: Math.floor(lines.length / 3) }, (_none, index) => index * 3);
  return new Map(starts.map((start) => [lines[start] ?? "", { to: lines[start + 1] ?? "", by: lines[start + 2] ?? LOCAL }]));
}
