import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package.json of the package that a module belongs to, from the source as from the bundle. */
export function findPackageJson(moduleUrl: string): string {
  let folder = dirname(fileURLToPath(moduleUrl));
  while (!existsSync(join(folder, "package.json"))) {
    if (folder === dirname(folder)) throw new Error(`no package.json above ${moduleUrl}: the installation is not complete`);
    folder = dirname(folder);
  }
  return join(folder, "package.json");
}
