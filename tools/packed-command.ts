/**
 * The command as users get it, for a run of all tests: it starts hundreds of times, and from source loads every module anew each time,
 * which takes twice the time. The folder is named for its content: sources that have changed make another one.
 */
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { bundleCode } from "./bundle.ts";

const ROOT: string = join(import.meta.dirname, "..");
const KEPT_MS = 24 * 60 * 60 * 1000;

/** Below `cache`, with package.json, bin/stemma.js and dist/ as in an installed package, but without its types and papers. Undefined where nothing can be written. */
export async function packCommand(cache: string): Promise<string | undefined> {
  const partial = openPartial(cache);
  if (partial === undefined) return undefined;
  try {
    for (const name of ["package.json", "bin"]) cpSync(join(ROOT, name), join(partial, name), { recursive: true });
    await bundleCode(join(partial, "dist"));
    const folder = join(cache, `package-${hashOf(partial)}`);
    // Of a temporary directory, nobody else may read: some tests run the command as another user.
    chmodSync(partial, 0o755);
    if (!existsSync(folder)) renameSync(partial, folder);
    return folder;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function openPartial(cache: string): string | undefined {
  try {
    mkdirSync(cache, { recursive: true });
    removeOld(cache);
    return mkdtempSync(join(cache, "package-"));
  } catch (error) {
    if (["EROFS", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of globSync("**/*.*", { cwd: folder }).toSorted()) hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 32);
}

/** Of sources of another day, or of a run that was killed. */
function removeOld(cache: string): void {
  for (const folder of globSync("package-*", { cwd: cache })) {
    const path = join(cache, folder);
    if (performance.timeOrigin - statSync(path).mtimeMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
