import type { Cataloger } from "../cataloger.ts";
import { foundLocked } from "../locked-package.ts";
import { purlOf } from "../purl.ts";
import { parseFile } from "../read-file.ts";
import { parseGemfileLock } from "../ruby/gemfile-lock.ts";
import { installedGems, isSpecification } from "../ruby/installed-gems.ts";

/** What lies in an installed gem is about how that gem was made. */
const IN_GEM = /(?:^|\/)gems\/[^/]+-\d[^/]*\//;

/** Ruby's gems: those that are installed, and those that a lock file of Bundler lists and that are installed nowhere in the tree. */
export const ruby: Cataloger = {
  name: "ruby",
  wants: ({ path }) => isSpecification(path) || isLock(path),

  async find(files, context, signal) {
    const installed = await installedGems(files.filter(({ path }) => isSpecification(path)), context, signal);
    const purls = new Set(installed.map((one) => purlOf({ ...one, qualifiers: {} })));
    const found = [installed];
    for (const lock of files.filter(({ path }) => isLock(path))) {
      const packages = (await parseFile(lock, parseGemfileLock, context, signal)) ?? new Map();
      found.push(foundLocked("gem", lock, packages).filter((one) => !purls.has(purlOf({ ...one, qualifiers: {} }))));
    }
    return found.flat();
  },
};

function isLock(path: string): boolean {
  return /(?:^|\/)(?:Gemfile\.lock|gems\.locked)$/.test(path) && !IN_GEM.test(path);
}
