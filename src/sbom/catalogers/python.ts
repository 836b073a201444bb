import { dirname, join } from "node:path/posix";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import { foundLocked, type LockedPackages } from "../locked-package.ts";
import { tomlParser } from "../parse-structured.ts";
import { purlOf } from "../purl.ts";
import { installedPackages, isMetadata } from "../python/installed-packages.ts";
import { parsePipfileLock } from "../python/pipfile-lock.ts";
import { lockedByPoetry } from "../python/poetry-lock.ts";
import { parseRequirementsFile } from "../python/requirements-file.ts";
import { lockedByUv } from "../python/uv-lock.ts";
import { parseFile } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

const LOCK = /(?:^|\/)(?:requirements[^/]*\.txt|poetry\.lock|Pipfile\.lock|uv\.lock)$/;
/** What lies in an installed package is about how that package was made. */
const IN_PACKAGE = /(?:^|\/)(?:site|dist)-packages\//;
/** What is said, by its name, to be needed for other work than to run. */
const FOR_OTHER_WORK = /(?:^|[-_.])(?:dev|develop|development|test|tests|testing|lint|docs?)(?:[-_.]|$)/;

/**
 * Python's distributions: those that are installed, and those that a lock file or a requirements file pins and that are installed
 * nowhere in the tree. Which of a lock file are left out: see `withoutUnneeded`.
 */
export const python: Cataloger = {
  name: "python",
  wants: ({ path }) => isMetadata(path) || isLock(path),

  async find(files, context, signal) {
    const installed = await installedPackages(files.filter(({ path }) => isMetadata(path)), context, signal);
    const purls = new Set(installed.map((one) => purlOf({ ...one, qualifiers: {} })));
    const found = [installed];
    for (const lock of files.filter(({ path }) => isLock(path))) {
      const packages = (await readLock(lock, context, signal)) ?? new Map();
      found.push(foundLocked("pypi", lock, packages).filter((one) => !purls.has(purlOf({ ...one, qualifiers: {} }))));
    }
    return found.flat();
  },
};

function isLock(path: string): boolean {
  return LOCK.test(path) && !IN_PACKAGE.test(path) && !FOR_OTHER_WORK.test(path.slice(path.lastIndexOf("/") + 1));
}

/** Undefined for what was told to `context` instead. */
async function readLock(lock: ScanFile, context: CatalogContext, signal: AbortSignal): Promise<LockedPackages | undefined> {
  if (lock.path.endsWith(".txt")) return await parseFile(lock, parseRequirementsFile, context, signal);
  if (lock.path.endsWith("Pipfile.lock")) return await parseFile(lock, parsePipfileLock, context, signal);
  const parseToml = await tomlParser();
  if (lock.path.endsWith("uv.lock")) return await parseFile(lock, (bytes) => lockedByUv(parseToml(bytes)), context, signal);
  const file = context.tree.files.get(join(dirname(lock.path), "pyproject.toml"));
  const project = file === undefined ? undefined : await parseFile(file, parseToml, context, signal);
  return await parseFile(lock, (bytes) => lockedByPoetry(parseToml(bytes), project), context, signal);
}
