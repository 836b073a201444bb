/** The thread of a DirectoryScout: looks at each directory of its order and all that it holds, and tells a digest of what it saw. */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { workerData, type MessagePort } from "node:worker_threads";
import type { ScoutOrder, Sighting } from "./directory-scout.ts";
import { parseWalk, SCOUTED_NAMES_MIN } from "./scout-memory.ts";

// Given by DirectoryScout.
const { root, walk, memory, port } = workerData as ScoutOrder & { readonly port: MessagePort };

let nameCount = 0;
const hash = createHash("sha256").update(walk);
for (const path of parseWalk(walk).directories) hash.update(seenIn(join(root, path)));
// Most of it is gone: the next one is not worth a thread. Whoever has heard of this one may already have remembered another walk.
if (nameCount < SCOUTED_NAMES_MIN) rmSync(memory, { force: true });
port.postMessage({ fingerprint: hash.digest("hex"), walk } satisfies Sighting);
port.close();

/** In the order of the file system, which is another only for other content. */
function seenIn(directory: string): string {
  let seen = `${directory}\0${stateOf(directory)}\n`;
  for (const name of namesIn(directory)) seen += `${name}\0${stateOf(`${directory}/${name}`)}\n`;
  return seen;
}

function namesIn(directory: string): readonly string[] {
  try {
    const names = readdirSync(directory);
    nameCount += names.length;
    return names.map(faithful);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return [code];
  }
}

/** A name that is no UTF-8 comes with replacement characters, and is then another file's or nobody's. */
function faithful(name: string): string {
  if (name.includes("\uFFFD")) throw new RangeError(`${JSON.stringify(name)} stands for bytes that are lost`);
  return name;
}

function stateOf(path: string): string {
  try {
    const { dev, ino, mode, nlink, rdev, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return `${dev} ${ino} ${mode} ${nlink} ${rdev} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
