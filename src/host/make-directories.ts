import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * A directory and those above it that are missing, each of `mode` less the umask. Returns the uppermost that was made; undefined where
 * all were there. Node's own never ends where a file system takes no directories and says that the way is missing, as /proc does.
 */
export async function makeDirectories(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    return (await makeOne(path, mode)) ? path : undefined;
  } catch (error) {
    const above = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === path) throw error;
    const made = await makeDirectories(above, mode);
    return ((await makeOne(path, mode)) && made === undefined ? path : made);
  }
}

/** False where it is there. */
async function makeOne(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST" && (await stat(path)).isDirectory()) return false;
    throw error;
  }
}
