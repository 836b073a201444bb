import type { Cataloger } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import type { Identity } from "../java/archive-identity.ts";
import { accessFile } from "../java/random-access.ts";
import { isJavaArchive, readJavaArchive, type JavaArchive } from "../java/read-archive.ts";
import { purlOf } from "../purl.ts";
import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

/** Libraries and applications of Java, with those that were copied or packed into them. */
export const javaArchive: Cataloger = {
  name: "java-archive",
  wants: ({ path }) => isJavaArchive(path),

  async find(files, context, signal) {
    const found: FoundPackage[][] = [];
    for (const file of files) {
      try {
        const archive = await readJavaArchive(file.path, accessFile(file, signal), 1, { warn: context.warn, signal, inflatedBytes: 0 });
        found.push(packagesOf(file, archive));
      } catch (error) {
        if (!(error instanceof DamagedFileError)) throw error;
        context.warn(`${file.path}: ${error.message}`);
      }
    }
    return found.flat();
  },
};

/** The file's own package first; what lies in it, however deep, once. */
function packagesOf(file: ScanFile, archive: JavaArchive): FoundPackage[] {
  const inside = new Map<string, FoundPackage>();
  const ahead: JavaArchive[] = [archive];
  for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
    for (const one of [...(next === archive ? [] : [foundPackage(file, next.self, next)]), ...next.others.map((other) => foundPackage(file, other, undefined))]) {
      if (!inside.has(purlOf(one))) inside.set(purlOf(one), one);
    }
    for (const nested of next.nested) ahead.push(nested);
  }
  const self = foundPackage(file, archive.self, archive);
  inside.delete(purlOf(self));
  return [{ ...self, files: [file.path], dependencies: [...inside.keys()] }, ...inside.values()];
}

/** The manifest is about the archive that it lies in. */
function foundPackage(file: ScanFile, identity: Identity, archive: JavaArchive | undefined): FoundPackage {
  const told = (...names: readonly string[]): string | undefined => names.map((name) => archive?.manifest.get(name)?.trim()).find((text) => text !== undefined && text !== "");
  return {
    ...identity,
    licenses: licensesOf(told("bundle-license")),
    supplier: told("implementation-vendor", "bundle-vendor"),
    homepage: told("bundle-docurl", "implementation-url"),
    evidence: [file.path],
    broughtBy: file.path,
    files: [],
    dependencies: [],
  };
}

/** Clauses with parameters, as `Apache-2.0;link="https://…",MIT` (OSGi Core, 3.2.1). */
function licensesOf(header: string | undefined): string[] {
  const clauses = header?.match(/(?:"[^"]*"|[^",])+/g) ?? [];
  return clauses.map((clause) => clause.split(";")[0]?.trim().replace(/^"(.*)"$/, "$1") ?? "").filter((name) => name !== "" && name !== "<<EXTERNAL>>");
}
