import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../host/clock.ts";
import { syncFileSystem } from "../syscall/sync.ts";
import type { LayerId } from "./layer.ts";
import { removeTree } from "./remove-tree.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** By then the kernel has written nearly everything by itself, so that waiting for the rest is short. */
const SETTLED_AGE_MS = 120_000;

/**
 * Layers are not forced to disk when they are written: it would cost more than writing them. A mark
 * says in which boot a layer was written; while that boot lasts, the kernel has every byte, whoever
 * was killed. Marks are taken away once the disk has them, and a layer with the mark of an earlier
 * boot, which may have lost bytes with the power, is not believed.
 */
export class Durability implements AsyncDisposable {
  readonly #directory: string;
  readonly #boot: string;
  readonly #settling: Promise<void>;

  constructor(root: string, clock: Clock) {
    this.#directory = join(root, "unsynced");
    this.#boot = readFileSync(BOOT_ID, "latin1").trim();
    mkdirSync(this.#directory, { recursive: true });
    this.#settling = this.#settle(clock);
    this.#settling.catch(() => undefined);
  }

  /** To be called before the layer appears. */
  mark(id: LayerId): void {
    writeFileSync(join(this.#directory, `${id}@${this.#boot}`), "");
  }

  /** Takes away the layers that an earlier boot may have left without their bytes. */
  async dropUnbelievable(layers: string): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      const [id = "", boot] = name.split("@");
      if (boot === this.#boot) continue;
      await removeTree(join(layers, id));
      rmSync(join(this.#directory, name), { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#settling;
  }

  async #settle(clock: Clock): Promise<void> {
    const aged = readdirSync(this.#directory).filter((name) => name.endsWith(`@${this.#boot}`) && this.#ageMs(name, clock) > SETTLED_AGE_MS);
    if (aged.length === 0) return;
    const fd = openSync(this.#directory, "r");
    try {
      await syncFileSystem(fd);
    } finally {
      closeSync(fd);
    }
    for (const name of aged) unlinkIfThere(join(this.#directory, name));
  }

  /** Another process may have settled it meanwhile. */
  #ageMs(name: string, clock: Clock): number {
    const stat = statSync(join(this.#directory, name), { throwIfNoEntry: false });
    return stat === undefined ? 0 : clock.now().getTime() - stat.mtimeMs;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
