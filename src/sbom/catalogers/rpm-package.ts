import { DamagedFileError } from "../read-file.ts";
import type { ListedFile } from "./intact-file.ts";
import type { RpmHeader } from "./rpm-header.ts";

/** A package as its header tells. */
export interface RpmPackage {
  readonly name: string;
  /** Version and release. */
  readonly version: string;
  /** Empty for none, which RPM takes as 0, and for 0. */
  readonly epoch: string;
  readonly arch: string;
  /** File name of the source package; empty where none is told. */
  readonly sourcePackage: string;
  readonly licenses: readonly string[];
  readonly vendor: string | undefined;
  readonly homepage: string | undefined;
  readonly provides: readonly string[];
  readonly requires: readonly string[];
  /** Absolute, of files that the package brings. */
  readonly files: readonly ListedFile[];
}

/** PGPHASHALGO of RPM. Its old MD5 is not known of files here. */
const ALGORITHMS: ReadonlyMap<number, "sha1" | "sha256"> = new Map([[2, "sha1"], [8, "sha256"]]);
/** RPMFILE_GHOST: a file that the package owns and does not bring. */
const GHOST = 1 << 6;

/** Throws DamagedFileError for a header without what every package has. */
export function parseRpmPackage(header: RpmHeader): RpmPackage {
  const [[name], [version], [release], [epoch = 0]] = [header.texts("name"), header.texts("version"), header.texts("release"), header.numbers("epoch")];
  if (name === undefined || version === undefined || release === undefined) throw new DamagedFileError("a header without the name or the version of its package");
  return {
    name, version: `${version}-${release}`, epoch: epoch === 0 ? "" : `${epoch}`,
    arch: header.texts("arch")[0] ?? "",
    sourcePackage: header.texts("sourceRpm")[0] ?? "",
    licenses: header.texts("license"),
    vendor: header.texts("vendor")[0],
    homepage: header.texts("url")[0],
    provides: header.texts("provideName"),
    requires: header.texts("requireName"),
    files: listedFiles(header),
  };
}

function listedFiles(header: RpmHeader): ListedFile[] {
  const [folders, indexes, flags, digests] = [header.texts("dirNames"), header.numbers("dirIndexes"), header.numbers("fileFlags"), header.texts("fileDigests")];
  const algorithm = ALGORITHMS.get(header.numbers("fileDigestAlgorithm")[0] ?? 0);
  return header.texts("baseNames").flatMap((base, index) => {
    if (((flags[index] ?? 0) & GHOST) !== 0) return [];
    const [folder = "", hex = ""] = [folders[indexes[index] ?? -1], digests[index]];
    return [{ path: `${folder}${base}`, digest: algorithm === undefined || hex === "" ? undefined : { algorithm, hex } }];
  });
}
