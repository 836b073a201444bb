import { rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "../host/make-directories.ts";
import { randomId } from "../host/random.ts";
import { formatPlatform, type Platform } from "../oci/platform.ts";
import { ExportError } from "./error.ts";
import type { Statement } from "./statement.ts";

/** The statements about one platform's image. */
export interface PlatformStatements {
  readonly platform: Platform;
  readonly statements: readonly Statement[];
}

/** Files that are written, and have no names yet. Disposal removes what has got none. */
export interface EvidenceFiles extends AsyncDisposable {
  /** Absolute. */
  readonly paths: readonly string[];
  /** Gives them their names, in the place of older ones. */
  publish(): Promise<void>;
}

/**
 * Writes each statement to a file, named as the local exporter names it (anchor b.8): `provenance.json`, in a folder such as
 * `linux_amd64` where there are several platforms. Throws ExportError ("usage", "destination").
 */
export async function writeEvidenceFiles(directory: string, images: readonly PlatformStatements[]): Promise<EvidenceFiles> {
  const files = images.flatMap(({ platform, statements }) => {
    const folder = images.length > 1 ? join(directory, formatPlatform(platform).replaceAll("/", "_")) : directory;
    return statements.map(({ filename, bytes }) => ({ path: join(folder, basename(filename)), bytes, partial: join(folder, `.stemma-${randomId()}`) }));
  });
  const paths = files.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new ExportError("usage", `duplicate attestation path name ${basename(twice)}`);
  /** What is to go if it does not come to be published. */
  const unpublished: string[] = [];
  const remove = async (): Promise<void> => {
    for (const path of unpublished.splice(0).toReversed()) await rm(path, { recursive: true, force: true });
  };
  const inPlace = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await remove();
      if (!(error instanceof Error && "syscall" in error)) throw error;
      throw new ExportError("destination", `--attest-store=file:${directory}: ${error.message}`, { cause: error });
    }
  };
  await inPlace(async () => {
    for (const { partial, bytes } of files) {
      const made = await makeDirectories(dirname(partial));
      unpublished.push(...(made === undefined ? [partial] : [made, partial]));
      await writeFile(partial, bytes, { flag: "wx", mode: 0o600 });
    }
  });
  return {
    paths,
    publish: () =>
      inPlace(async () => {
        for (const { partial, path } of files) await rename(partial, path);
        unpublished.length = 0;
      }),
    [Symbol.asyncDispose]: remove,
  };
}
