import { inflate } from "node:zlib";
import type { ElfLayout } from "../binary/elf.ts";
import { readPiece } from "../binary/read-piece.ts";
import { parseJson } from "../parse-text.ts";
import { items, member, memberText } from "../../content/parsed-value.ts";
import { DamagedFileError } from "../read-file.ts";
import type { ScanFile } from "../scan-tree.ts";

/** A crate that a program was made of (cargo-auditable, its JSON schema). */
export interface AuditableCrate {
  readonly name: string;
  readonly version: string | undefined;
  /** What the program was built from. */
  readonly isRoot: boolean;
  /** Of the crates of the same list. */
  readonly dependencies: readonly number[];
}

const SECTION = ".dep-v0";
/** As compressed, and as inflated: the lists of the largest programs are some ten kilobytes. A bound on what a hostile one makes us hold. */
const SECTION_BYTES_MAX = 1024 * 1024;
const LIST_BYTES_MAX = 8 * 1024 * 1024;

/**
 * The crates that `cargo auditable` writes into a program, by their places in its list; those that only built it are left out.
 * Undefined for a program without such a list. Throws DamagedFileError.
 */
export async function readAuditable(file: ScanFile, { sections }: ElfLayout, signal: AbortSignal): Promise<ReadonlyMap<number, AuditableCrate> | undefined> {
  const section = sections.find(({ name }) => name === SECTION);
  if (section === undefined) return undefined;
  const compressed = await readPiece(file, { ...section, limitBytes: SECTION_BYTES_MAX }, signal);
  const crates = items(member(parseJson(await inflated(compressed)), "packages"));
  return new Map([...crates.entries()].filter(([, crate]) => (memberText(crate, "kind") ?? "runtime") === "runtime").map(([index, crate]) => [index, crateOf(crate)]));
}

function crateOf(crate: unknown): AuditableCrate {
  const name = memberText(crate, "name");
  if (name === undefined) throw new DamagedFileError("a list of crates with one that has no name");
  return {
    name,
    version: memberText(crate, "version"),
    isRoot: member(crate, "root") === true,
    dependencies: items(member(crate, "dependencies")).filter((one) => typeof one === "number"),
  };
}

async function inflated(compressed: Buffer): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    inflate(compressed, { maxOutputLength: LIST_BYTES_MAX }, (error, bytes) => {
      if (error === null) resolve(bytes);
      else reject(new DamagedFileError("a list of crates that cannot be inflated, or is too large", { cause: error }));
    });
  });
}
