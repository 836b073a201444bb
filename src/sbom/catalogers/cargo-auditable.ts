import { inPrograms, mayBeProgram } from "../binary/programs.ts";
import type { Cataloger } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { purlOf } from "../purl.ts";
import { readAuditable, type AuditableCrate } from "../rust/auditable.ts";
import type { ScanFile } from "../scan-tree.ts";

/** The crates that programs of Rust were made of, where `cargo auditable` built them: no other build writes that down. */
export const cargoAuditable: Cataloger = {
  name: "cargo-auditable",
  wants: mayBeProgram,

  async find(files, context, signal) {
    return await inPrograms(files, async (file, elf) => packagesOf(file, (await readAuditable(file, elf, signal)) ?? new Map()), context, signal);
  },
};

function packagesOf(file: ScanFile, crates: ReadonlyMap<number, AuditableCrate>): FoundPackage[] {
  const purls = new Map(crates.entries().map(([index, crate]) => [index, purlOf(parts(crate))]));
  return [...crates.values()].map((crate) => ({
    ...parts(crate),
    licenses: [],
    supplier: undefined,
    homepage: undefined,
    evidence: [file.path],
    broughtBy: file.path,
    files: crate.isRoot ? [file.path] : [],
    dependencies: [...new Set(crate.dependencies.flatMap((index) => purls.get(index) ?? []))],
  }));
}

/** The list tells that a crate is none of crates.io, but not where it is from. */
function parts({ name, version }: AuditableCrate): Pick<FoundPackage, "type" | "namespace" | "name" | "version" | "qualifiers"> {
  return { type: "cargo", namespace: undefined, name, version, qualifiers: {} };
}
