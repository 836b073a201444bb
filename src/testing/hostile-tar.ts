import { TAR_END } from "../archive/tar-writer.ts";
import { formatPaxRecord } from "../archive/pax.ts";
import { rawExtended, rawHeader, rawTar, withChecksum } from "./raw-tar.ts";
import { SPARSE_FORMS, sparseMember } from "./sparse-tar.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Further up than there is anything. */
const UP = "../../../../../../../..";
const CONTENT = Buffer.from("hostile\n");

/** A file with a few bytes in it. */
export function hostileFile(name: string): readonly Buffer[] {
  return [rawHeader({ name, size: CONTENT.length }), CONTENT];
}

export function hostileLink(name: string, kind: "symbolic" | "hard", linkname: string): readonly Buffer[] {
  return [rawHeader({ name, typeflag: kind === "hard" ? "1" : "2", linkname })];
}

export function hostileDirectory(name: string): readonly Buffer[] {
  return [rawHeader({ name, typeflag: "5", patch: (block) => void block.write("0000755\0", 100) })];
}

export function hostileTar(...members: ReadonlyArray<readonly Buffer[]>): Buffer {
  return rawTar(...members.flat(), Buffer.from(TAR_END));
}

/**
 * An archive that wants out, to `outside`, an absolute path, or anywhere else: made of what has worked elsewhere, and then damaged here
 * and there. All names of its own end in `mark`, so that what came out can be told from what others have.
 */
export function randomHostileTar(seed: number, outside: string, mark: string): Buffer {
  const random = new SeededRandom(seed);
  const names = ["a", "b", "c", "a", "b", "d", "e"].map((letter) => `${letter}${mark}`);
  const name = (): string => random.several(1, 3, () => random.pick([...names, ".", `.wh.a${mark}`, ".wh..wh..opq", ...(random.below(20) === 0 ? ["..", ""] : [])] as [string, ...string[]])).join("/");
  const path = (): string => random.pick([name(), name(), name(), name(), name(), `/${name()}`, `${outside}/x`, ...(random.below(10) === 0 ? [`${UP}${outside}/x`] : [])] as [string, ...string[]]);
  const target = (): string => random.pick([name(), "/", outside, "..", `${UP}${outside}`, `${outside}/keep`, `a${mark}`]);
  const member = (): readonly Buffer[] => {
    switch (random.below(10)) {
      case 0:
      case 1:
        return hostileFile(path());
      case 2:
        return hostileDirectory(path());
      case 3:
      case 4:
        return hostileLink(path(), "symbolic", target());
      case 5:
        return hostileLink(path(), "hard", target());
      case 6:
        return [rawHeader({ name: path(), typeflag: random.pick(["3", "4", "6", "7", "\0", "7", "V", "S"]) })];
      case 7:
        return rawExtended(formatPaxRecord(random.pick(["path", "linkpath", "size", "uid", "mtime", "SCHILY.xattr.user.a", "SCHILY.xattr.trusted.overlay.redirect", "GNU.sparse.map"]), Buffer.from(random.pick([path(), target(), "-1", "99999999999", "1e9", ""]))), { name: path() });
      case 8: {
        if (random.below(3) > 0) return hostileDirectory(path());
        const [offsetBytes, sizeBytes] = [random.below(2000), random.pick([0, CONTENT.length, 4000, 2 ** 24, 2 ** 41])];
        return sparseMember(random.pick(SPARSE_FORMS), { name: path(), sizeBytes: random.pick([offsetBytes + CONTENT.length, 2 ** 20, sizeBytes]), pieces: [{ offsetBytes, sizeBytes: random.below(4) > 0 ? CONTENT.length : sizeBytes }], data: CONTENT });
      }
      default:
        if (random.below(4) > 0) return hostileFile(path());
        return [rawHeader({ name: path(), size: random.pick([1, 512, 2 ** 20, 8 ** 11 - 1]) }), CONTENT];
    }
  };
  return damaged(hostileTar(...random.several(1, 5, member)), random);
}

/** Most of them as they are; else with a few bytes changed, under a checksum that is right or wrong, or cut off. */
function damaged(tar: Buffer, random: SeededRandom): Buffer {
  if (random.below(4) > 0) return tar;
  for (let changes = random.below(4); changes >= 0; changes -= 1) {
    const at = random.below(tar.length);
    tar[at] = random.below(256);
    const block = tar.subarray(at - (at % 512), at - (at % 512) + 512);
    if (block.length === 512 && random.below(4) > 0) withChecksum(block);
  }
  return random.below(4) === 0 ? tar.subarray(0, random.below(tar.length)) : tar;
}
