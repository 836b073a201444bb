import { existsSync, fstatSync, lstatSync, type BigIntStats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { CERTIFICATE_BUNDLES } from "../host/http-trust.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { setFileTimes } from "../syscall/times.ts";
import { SandboxError } from "./sandbox-error.ts";
import { resolveInTree } from "./tree-path.ts";

/** So that whoever looks at the file while a step runs knows what it is. */
const BEGIN = "\n# stemma build proxy: begin\n";
const END = "# stemma build proxy: end\n";
/** Bundles have a quarter of a megabyte; what is much larger is none. */
const BUNDLE_BYTES_MAX = 10 * 1024 * 1024;

/** What a tree's programs trust while an authority of ours is among it. */
export interface TreeTrust extends AsyncDisposable {
  /** PEM texts of all of them. */
  readonly authorities: Uint8Array;
}

/**
 * Adds an authority (PEM) to the one file in which programs of the tree find those that they trust; a tree without such a file stays as it is.
 * The file is written in place, and disposing takes the authority out again: where nobody else has changed the file, it is then what it was, its time
 * included, and no part of a layer. What a step has made of the file stays, but for the authority.
 */
export async function trustInTree(root: MountedTree, certificate: string): Promise<TreeTrust> {
  const path = bundleIn(root.viewPath);
  const block = Buffer.from(BEGIN + certificate + END);
  if (path === undefined) return { authorities: block, [Symbol.asyncDispose]: () => Promise.resolve() };
  let authorities = block;
  const before = await edited(path, (text) => (authorities = Buffer.concat([text, block])));
  return {
    authorities,
    async [Symbol.asyncDispose]() {
      // It may be gone by now, or lead elsewhere.
      const now = bundleIn(root.viewPath);
      if (now === undefined) return;
      await edited(now, (text) => withoutBlock(text, block), before?.after.ino === lstatSync(now, { bigint: true }).ino ? before : undefined);
    },
  };
}

interface Edit {
  readonly before: BigIntStats;
  readonly after: BigIntStats;
}

/** Undefined where there was nothing to change. What has the time that `earlier` gave it gets the time of before that. */
async function edited(path: string, change: (text: Buffer) => Buffer, earlier?: Edit): Promise<Edit | undefined> {
  await using file = await openBundle(path);
  const before = await file.stat({ bigint: true });
  if (before.size > BUNDLE_BYTES_MAX) throw new SandboxError("path", `the file of trusted authorities exceeds ${BUNDLE_BYTES_MAX} bytes, and --proxy-network has to add one`);
  const text = await file.readFile();
  const changed = change(text);
  if (changed.equals(text)) return undefined;
  await file.write(changed, 0, changed.length, 0);
  await file.truncate(changed.length);
  if (earlier !== undefined && before.mtimeNs === earlier.after.mtimeNs) setFileTimes(file.fd, earlier.before.mtimeNs);
  return { before, after: fstatSync(file.fd, { bigint: true }) };
}

async function openBundle(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r+");
  } catch (error) {
    throw new SandboxError("path", `the tree's trusted authorities cannot be added to, which --proxy-network has to do: ${(error as Error).message}`, { cause: error });
  }
}

function withoutBlock(text: Buffer, block: Buffer): Buffer {
  const at = text.indexOf(block);
  return at === -1 ? text : Buffer.concat([text.subarray(0, at), text.subarray(at + block.length)]);
}

/** The first that there is, as we reach it. */
function bundleIn(root: string): string | undefined {
  return CERTIFICATE_BUNDLES.map((name) => resolvedOrNone(root, name)).find((path) => path !== undefined && existsSync(path) && lstatSync(path).isFile());
}

/** Undefined for a link that turns in circles: there is no such file. */
function resolvedOrNone(root: string, name: string): string | undefined {
  try {
    return resolveInTree(root, name);
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}
