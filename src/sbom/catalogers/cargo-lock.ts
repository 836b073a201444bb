import { dirname, join } from "node:path/posix";
import type { CatalogContext, Cataloger } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { foundLocked } from "../locked-package.ts";
import { tomlParser } from "../parse-structured.ts";
import { member } from "../../content/parsed-value.ts";
import { parseFile } from "../read-file.ts";
import { lockedByCargo } from "../rust/cargo-lock.ts";
import type { ScanFile } from "../scan-tree.ts";

/** What Cargo leaves beside a crate that it unpacked: the lock file there is about how that crate was made. */
const UNPACKED = [".cargo-ok", ".cargo-checksum.json", ".cargo_vcs_info.json"];

/** Crates that a Cargo.lock lists. Which are left out: see `withoutUnneeded`. */
export const cargoLock: Cataloger = {
  name: "cargo-lock",
  wants: ({ path }) => /(?:^|\/)Cargo\.lock$/.test(path),

  async find(files, context, signal) {
    const found: FoundPackage[][] = [];
    const parseToml = await tomlParser();
    for (const lock of files.filter(({ path }) => !UNPACKED.some((name) => context.tree.files.has(join(dirname(path), name))))) {
      const manifests = await readManifests(lock, parseToml, context, signal);
      const packages = await parseFile(lock, (bytes) => lockedByCargo(parseToml(bytes), manifests), context, signal);
      if (packages !== undefined) found.push(foundLocked("cargo", lock, packages));
    }
    return found.flat();
  },
};

/** The project's Cargo.toml and, of a workspace, those below it. */
async function readManifests(lock: ScanFile, parse: (bytes: Uint8Array) => unknown, context: CatalogContext, signal: AbortSignal): Promise<unknown[]> {
  const folder = dirname(lock.path);
  const file = context.tree.files.get(join(folder, "Cargo.toml"));
  const root = file === undefined ? undefined : await parseFile(file, parse, context, signal);
  if (member(root, "workspace") === undefined) return [root];
  const prefix = folder === "." ? "" : `${folder}/`;
  const below = [...context.tree.files.values()].filter(({ path }) => path.startsWith(prefix) && path.endsWith("/Cargo.toml") && path !== file?.path);
  const manifests = [root];
  for (const manifest of below) manifests.push(await parseFile(manifest, parse, context, signal));
  return manifests;
}
