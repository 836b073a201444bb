import { lstatSync, readdirSync, rmSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { mirrorUse } from "../source/git-mirror.ts";
import { isHeld, unlessHeld } from "../syscall/file-leases.ts";
import { forgetLayer } from "./forget-removed.ts";
import { directoryId, useCounts, type UseCounts } from "../store/use-counts.ts";
import type { OpenStore } from "./open-store.ts";
import type { UsageRecord } from "./usage-record.ts";

/** Everything in the store that can be made again. */
export async function diskUsage(store: OpenStore): Promise<readonly UsageRecord[]> {
  const found = [...(await layerUsage(store)), ...blobUsage(store), ...(await cacheMountUsage(store)), ...(await mirrorUsage(store))];
  const uses = useCounts(store.database);
  const counts = uses.all();
  return found.map((record) => ({ ...record, useCount: counts.get(record.id) ?? 0, remove: () => removed(record, uses) }));
}

type FoundRecord = Omit<UsageRecord, "useCount">;

/** What is made again begins anew. */
async function removed({ id, remove }: FoundRecord, uses: UseCounts): Promise<boolean> {
  const isRemoved = await remove();
  if (isRemoved) uses.forget(id);
  return isRemoved;
}

async function layerUsage({ layers, facts, database }: OpenStore): Promise<readonly FoundRecord[]> {
  return (await layers.list()).map(({ id, sizeBytes, createdMs, usedMs, isInUse }) => {
    const step = facts.step(id);
    const isFrontends = facts.isFrontends(id);
    return {
      id, type: isFrontends ? "frontend" : "regular", parents: step?.below.toReversed() ?? [], description: step?.name ?? (isFrontends ? "layer of a frontend's image" : id.startsWith("sha256-") ? "layer of an image" : ""),
      sizeBytes, createdMs, usedMs, isMutable: false, isInUse, remove: () => layers.remove(id, () => forgetLayer(database, id)),
    };
  });
}

function blobUsage({ root }: OpenStore): readonly FoundRecord[] {
  const directory = join(root, "blobs", "sha256");
  return names(directory).flatMap((name) => {
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const remove = async (): Promise<boolean> => (await unlessHeld(path, async () => {
      rmSync(path);
      return true;
    })) ?? false;
    return [{ id: `sha256:${name}`, type: "internal" as const, parents: [], description: "blob", sizeBytes: stat.size, createdMs: stat.birthtimeMs, usedMs: stat.mtimeMs, isMutable: false, isInUse: isHeld(path), remove }];
  });
}

/** Directories that steps write into (RUN --mount=type=cache): `ID/N`, with a lock in `ID/N.lock`. */
async function cacheMountUsage(store: OpenStore): Promise<readonly FoundRecord[]> {
  return await Promise.all(lockedDirectories(join(store.root, "cache-mounts")).map(async ({ id, path, lock }) => ({
    ...(await directoryUsage(id, path, lock)), type: "exec.cachemount" as const, description: "cache mount of RUN", isInUse: isHeld(lock),
    remove: async () => (await unlessHeld(lock, () => taken(store, path))) ?? false,
  })));
}

/** Mirrors of repositories lie the same way; who reads one holds a file in it, and who writes the lock. */
async function mirrorUsage(store: OpenStore): Promise<readonly FoundRecord[]> {
  return await Promise.all(lockedDirectories(join(store.root, "git")).map(async ({ id, path, lock }) => ({
    ...(await directoryUsage(id, path, lock)), type: "source.git.checkout" as const, description: "mirror of a Git repository", isInUse: isHeld(lock) || isHeld(mirrorUse(path)),
    remove: async () => (await unlessHeld(lock, () => unlessHeld(mirrorUse(path), () => taken(store, path)))) ?? false,
  })));
}

async function taken({ workspace }: OpenStore, path: string): Promise<boolean> {
  await workspace.drop(path);
  return true;
}

interface LockedDirectory {
  readonly id: string;
  readonly path: string;
  readonly lock: string;
}

function lockedDirectories(parent: string): readonly LockedDirectory[] {
  return names(parent).flatMap((folder) => names(join(parent, folder)).filter((name) => /^\d+$/.test(name)).map((name) => ({
    id: directoryId(join(folder, name)), path: join(parent, folder, name), lock: join(parent, folder, `${name}.lock`),
  })));
}

/** Each use touches the lock, whether something was written or not. */
async function directoryUsage(id: string, path: string, lock: string): Promise<Pick<UsageRecord, "id" | "parents" | "sizeBytes" | "createdMs" | "usedMs" | "isMutable">> {
  const stat = statSync(path, { throwIfNoEntry: false });
  const usedMs = Math.max(stat?.mtimeMs ?? 0, statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return { id, parents: [], sizeBytes: await treeBytes(path), createdMs: stat?.birthtimeMs ?? 0, usedMs, isMutable: true };
}

/** Sizes of all files; what vanishes meanwhile counts nothing. */
async function treeBytes(path: string): Promise<number> {
  let bytes = 0;
  try {
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      bytes += entry.isDirectory() ? await treeBytes(inner) : (lstatSync(inner, { throwIfNoEntry: false })?.size ?? 0);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return bytes;
}

/** Empty for a directory that is not there, or is none. */
export function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}
