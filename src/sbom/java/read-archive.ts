import { basename } from "node:path/posix";
import { DamagedFileError } from "../read-file.ts";
import { identify, type ArchiveIdentity, type Coordinates } from "./archive-identity.ts";
import { parseManifest, parseProperties } from "./properties.ts";
import type { RandomAccess } from "./random-access.ts";
import { accessStored, readEntry, readZipDirectory, type ZipEntry } from "./zip-archive.ts";

/** An archive with those that lie in it. */
export interface JavaArchive extends ArchiveIdentity {
  readonly manifest: ReadonlyMap<string, string>;
  readonly nested: readonly JavaArchive[];
}

const ARCHIVE = /^(.+)\.(jar|war|ear|hpi|jpi)$/i;
const POM = /^META-INF\/maven\/([^/]+)\/([^/]+)\/pom\.properties$/;
const MANIFEST = "META-INF/MANIFEST.MF";

/** An application holds libraries, and a library may hold a few: more is a trap. */
const DEPTH_MAX = 4;
/** Held in memory while it is looked into, once for each depth. */
const NESTED_BYTES_MAX = 128 * 1024 * 1024;
/** Of all that is inflated for one file. */
const INFLATED_BYTES_MAX = 1024 * 1024 * 1024;
const MANIFEST_BYTES_MAX = 1024 * 1024;
const POM_BYTES_MAX = 64 * 1024;
/** Packages that one archive holds. */
const POMS_MAX = 10_000;

export function isJavaArchive(path: string): boolean {
  return ARCHIVE.test(basename(path));
}

/** Shared by all that lies in one file. */
export interface ArchiveReading {
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
  inflatedBytes: number;
}

/**
 * What an archive and those in it tell of themselves. `path`: for warnings, with `!` before each name within. Throws DamagedFileError
 * for the archive itself; one in it that is damaged, or beyond a limit, is told and left out.
 */
export async function readJavaArchive(path: string, archive: RandomAccess, depth: number, reading: ArchiveReading): Promise<JavaArchive> {
  const [, base = "", extension = ""] = ARCHIVE.exec(basename(path)) ?? [];
  const entries = await readZipDirectory(archive, (name) => name === MANIFEST || POM.test(name) || isJavaArchive(name));
  const manifestEntry = entries.find(({ name }) => name === MANIFEST);
  const manifest = manifestEntry === undefined ? new Map<string, string>() : parseManifest(await readEntry(archive, manifestEntry, MANIFEST_BYTES_MAX));
  const pomEntries = entries.filter(({ name }) => POM.test(name));
  if (pomEntries.length > POMS_MAX) throw new DamagedFileError(`more than ${POMS_MAX} files of Maven`);
  const poms: Coordinates[] = [];
  for (const entry of pomEntries) poms.push(await coordinatesOf(archive, entry));
  const nested: JavaArchive[] = [];
  for (const entry of entries.filter(({ name }) => isJavaArchive(name))) {
    reading.signal.throwIfAborted();
    const found = await readNested(`${path}!/${entry.name}`, { archive, entry }, depth + 1, reading);
    if (found !== undefined) nested.push(found);
  }
  return { ...identify({ base, extension: extension.toLowerCase(), poms, manifest }), manifest, nested };
}

async function readNested(path: string, { archive, entry }: { readonly archive: RandomAccess; readonly entry: ZipEntry }, depth: number, reading: ArchiveReading): Promise<JavaArchive | undefined> {
  try {
    if (depth > DEPTH_MAX) throw new DamagedFileError(`not read, ${depth} archives within each other`);
    return await readJavaArchive(path, (await accessStored(archive, entry)) ?? (await inflate(archive, entry, reading)), depth, reading);
  } catch (error) {
    if (!(error instanceof DamagedFileError)) throw error;
    reading.warn(`${path}: ${error.message}`);
    return undefined;
  }
}

async function inflate(archive: RandomAccess, entry: ZipEntry, reading: ArchiveReading): Promise<RandomAccess> {
  if (reading.inflatedBytes + entry.sizeBytes > INFLATED_BYTES_MAX) throw new DamagedFileError(`not read, more than ${INFLATED_BYTES_MAX} bytes in all`);
  const content = await readEntry(archive, entry, NESTED_BYTES_MAX);
  reading.inflatedBytes += content.length;
  return {
    sizeBytes: content.length,
    read: async (offsetBytes, sizeBytes) => {
      if (offsetBytes + sizeBytes > content.length) throw new DamagedFileError("it ends too early");
      return await Promise.resolve(content.subarray(offsetBytes, offsetBytes + sizeBytes));
    },
  };
}

/** The place of the file has the group and the artifact as well. */
async function coordinatesOf(archive: RandomAccess, entry: ZipEntry): Promise<Coordinates> {
  const [, group = "", artifact = ""] = POM.exec(entry.name) ?? [];
  const properties = parseProperties(await readEntry(archive, entry, POM_BYTES_MAX));
  const told = (key: string): string | undefined => {
    const value = properties.get(key);
    return value === undefined || value === "" || value.includes("${") ? undefined : value;
  };
  return { group: told("groupId") ?? group, artifact: told("artifactId") ?? artifact, version: told("version") };
}
