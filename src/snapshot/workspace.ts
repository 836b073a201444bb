import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, renameSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { randomId } from "../host/random.ts";
import { tryLock } from "../syscall/lock.ts";
import { openIfThere } from "../syscall/open-if-there.ts";
import { removeTree } from "./remove-tree.ts";

const LOCKS = "locks";
const INCOMING = "incoming";

/**
 * Directories of this process for what is not finished yet. A lock that the kernel holds for us
 * says that we live; whoever finds it free takes away what we left.
 */
export class Workspace implements AsyncDisposable {
  readonly #root: string;
  readonly #sweeping: Promise<void>;
  #lock: { readonly name: string; readonly fd: number } | undefined;
  #claims = 0;

  constructor(root: string) {
    this.#root = root;
    mkdirSync(dirname(root), { recursive: true });
    for (const directory of [root, join(root, LOCKS), join(root, INCOMING)]) makeDirectory(directory);
    this.#sweeping = sweep(root);
    // Heard by whoever disposes of us; until then it must not be taken for unheard.
    this.#sweeping.catch(() => undefined);
  }

  /** A new, empty directory. Move it, or what is in it, away, or discard it. */
  claim(): string {
    this.#lock ??= acquireLock(join(this.#root, LOCKS));
    const path = join(this.#root, INCOMING, `${this.#lock.name}.${this.#claims++}`);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  async discard(path: string): Promise<void> {
    await removeTree(path);
  }

  /** Takes something out of sight in one move, then away. */
  async drop(path: string): Promise<void> {
    const grave = this.claim();
    renameSync(path, join(grave, "dropped"));
    await this.discard(grave);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sweeping;
    if (this.#lock === undefined) return;
    unlinkSync(join(this.#root, LOCKS, this.#lock.name));
    closeSync(this.#lock.fd);
    this.#lock = undefined;
  }
}

/** With its parents, Node would tell of a file system that is read-only as of a directory that is not there. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function acquireLock(directory: string): { readonly name: string; readonly fd: number } {
  for (;;) {
    const name = randomId();
    const fd = openSync(join(directory, name), "wx");
    // Between the two calls another process may have found the file unlocked and taken it away.
    if (tryLock(fd, "exclusive") && existsSync(join(directory, name)) && statSync(join(directory, name)).ino === fstatSync(fd).ino) return { name, fd };
    closeSync(fd);
  }
}

/** Takes away what processes left that live no more. */
async function sweep(root: string): Promise<void> {
  // In this order: a directory that is listed had its lock before.
  const leftovers = readdirSync(join(root, INCOMING));
  const locks = readdirSync(join(root, LOCKS));
  const orphans = leftovers.filter((name) => !locks.includes(ownerOf(name)) && !existsSync(join(root, LOCKS, ownerOf(name))));
  for (const name of orphans) await removeTree(join(root, INCOMING, name));
  for (const owner of locks) await sweepDead(root, owner);
}

async function sweepDead(root: string, owner: string): Promise<void> {
  const path = join(root, LOCKS, owner);
  const fd = openIfThere(path);
  if (fd === undefined) return;
  try {
    if (!tryLock(fd, "exclusive")) return;
    for (const name of readdirSync(join(root, INCOMING))) {
      if (ownerOf(name) === owner) await removeTree(join(root, INCOMING, name));
    }
    if (existsSync(path)) unlinkSync(path);
  } finally {
    closeSync(fd);
  }
}

function ownerOf(name: string): string {
  return name.slice(0, name.indexOf("."));
}
