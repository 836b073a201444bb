import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fillSmallRoot } from "../../src/sandbox/small-root.contract.ts";
import type { Place } from "./command.ts";

/** For node:test: the reason to skip what has a RUN, or false. Who is not root has to have user namespaces, which is not asked here. */
export const runSkip: string | false = process.geteuid?.() !== 0 ? "mounting as this test does needs root" : !existsSync("/usr/bin/unshare") ? "unshare is not installed" : false;

/** The first lines of a Dockerfile whose context comes from `contextWithBase`: a root with a shell and a few commands. */
export const BASE = 'FROM scratch\nCOPY base /\nENV PATH=/bin\n';

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A context with these files. */
export async function makeContext(place: Place, name: string, files: Files): Promise<string> {
  const directory = join(place.path, name);
  await mkdir(directory, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
  return directory;
}

/** The same, with the root that BASE copies. */
export async function contextWithBase(place: Place, name: string, files: Files): Promise<string> {
  const directory = await makeContext(place, name, files);
  fillSmallRoot(join(directory, "base"));
  return directory;
}
