import { checksumOf } from "../archive/tar-header.ts";

/** A header as somebody means it to be, good or bad; what is left out is as for a small file. */
export interface RawHeader {
  readonly name: string;
  readonly typeflag?: string;
  readonly size?: number;
  readonly linkname?: string;
  readonly magic?: string;
  /** The last word, before the checksum is taken. */
  readonly patch?: (block: Buffer) => void;
}

export function rawHeader(raw: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  block.write(raw.name, 0);
  block.write("0000644\0" + "0000000\0" + "0000000\0", 100);
  block.write((raw.size ?? 0).toString(8).padStart(11, "0"), 124);
  block.write("00000000000", 136);
  block.write(raw.typeflag ?? "0", 156, "latin1");
  block.write(raw.linkname ?? "", 157);
  block.write(raw.magic ?? "ustar\x0000", 257, "latin1");
  raw.patch?.(block);
  return withChecksum(block);
}

/** Makes a header's checksum right again. */
export function withChecksum(block: Buffer): Buffer {
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A member with these records before it. */
export function rawExtended(records: Buffer, member: RawHeader = { name: "a" }): readonly Buffer[] {
  return [rawHeader({ name: "x", typeflag: "x", size: records.length }), records, rawHeader(member)];
}

/** An archive of these parts, each filled up to whole blocks; its end has to be one of them. */
export function rawTar(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts.flatMap((part) => [part, Buffer.alloc((512 - (part.length % 512)) % 512)]));
}
