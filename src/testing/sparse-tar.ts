import { formatPaxRecord } from "../archive/pax.ts";
import type { SparsePiece } from "../archive/sparse.ts";
import { rawHeader } from "./raw-tar.ts";

/** The ways in which GNU tar writes sparse files: `gnu`, and three of PAX. */
export const SPARSE_FORMS = ["gnu", "0.0", "0.1", "1.0"] as const;
export type SparseTarForm = (typeof SPARSE_FORMS)[number];

export interface SparseFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly pieces: readonly SparsePiece[];
  /** Of the pieces, one behind the other. */
  readonly data: Buffer;
}

/** Parts for `rawTar`. What is said need not be right. */
export function sparseMember(form: SparseTarForm, file: SparseFile): readonly Buffer[] {
  return form === "gnu" ? gnuMember(file) : paxMember(form, file);
}

function gnuMember({ name, sizeBytes, pieces, data }: SparseFile): readonly Buffer[] {
  const number = (value: number): string => `${value.toString(8).padStart(11, "0")}\0`;
  const text = (from: number, count: number): string => pieces.slice(from, from + count).map((piece) => number(piece.offsetBytes) + number(piece.sizeBytes)).join("");
  const header = rawHeader({ name, typeflag: "S", size: data.length, magic: "ustar  \0", patch: (block) => {
    block.write(text(0, 4), 386, "latin1");
    block[482] = pieces.length > 4 ? 1 : 0;
    block.write(number(sizeBytes), 483, "latin1");
  } });
  const more = Array.from({ length: Math.ceil(Math.max(0, pieces.length - 4) / 21) }, (_, i) => {
    const block = Buffer.alloc(512);
    block.write(text(4 + i * 21, 21), 0, "latin1");
    block[504] = pieces.length > 4 + (i + 1) * 21 ? 1 : 0;
    return block;
  });
  return [header, ...more, data];
}

function paxMember(form: Exclude<SparseTarForm, "gnu">, { name, sizeBytes, pieces, data }: SparseFile): readonly Buffer[] {
  const numbers = pieces.flatMap((piece) => [piece.offsetBytes, piece.sizeBytes]);
  const records = (...pairs: ReadonlyArray<readonly [string, string | number]>): Buffer => Buffer.concat(pairs.map(([keyword, value]) => formatPaxRecord(`GNU.sparse.${keyword}`, Buffer.from(String(value)))));
  const text = Buffer.from([pieces.length, ...numbers].map((value) => `${value}\n`).join(""));
  const map = form === "1.0" ? Buffer.concat([text, Buffer.alloc((512 - (text.length % 512)) % 512)]) : Buffer.alloc(0);
  const extended = {
    "0.0": () => records(["size", sizeBytes], ["numblocks", pieces.length], ...numbers.map((value, i) => [i % 2 === 0 ? "offset" : "numbytes", value] as const)),
    "0.1": () => records(["size", sizeBytes], ["numblocks", pieces.length], ["name", name], ["map", numbers.join(",")]),
    "1.0": () => records(["major", 1], ["minor", 0], ["name", name], ["realsize", sizeBytes]),
  }[form]();
  return [rawHeader({ name: "x", typeflag: "x", size: extended.length }), extended, rawHeader({ name: form === "0.0" ? name : `GNUSparseFile.0/${name}`, size: map.length + data.length }), ...(map.length > 0 ? [map] : []), data];
}
