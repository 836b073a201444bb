/** What an ELF file says of its machine, and the instructions of exit(0) in Linux's calling convention. */
interface Machine {
  readonly bits: 32 | 64;
  readonly order: "little" | "big";
  /** e_machine. */
  readonly number: number;
  /** e_flags: which calling convention. */
  readonly flags: number;
  /** In hexadecimal, in the order of the bytes. */
  readonly exit: string;
}

/** By Go's names of architectures. */
const MACHINES: Readonly<Record<string, Machine>> = {
  "386": { bits: 32, order: "little", number: 3, flags: 0, exit: "31dbb801000000cd80" },
  amd64: { bits: 64, order: "little", number: 62, flags: 0, exit: "31ffb83c0000000f05" },
  arm: { bits: 32, order: "little", number: 40, flags: 0x0500_0000, exit: "0000a0e30170a0e3000000ef" },
  arm64: { bits: 64, order: "little", number: 183, flags: 0, exit: "000080d2a80b80d2010000d4" },
  loong64: { bits: 64, order: "little", number: 258, flags: 0x43, exit: "040080020b74810200002b00" },
  mips64le: { bits: 64, order: "little", number: 8, flags: 0x8000_0000, exit: "00000424c21302240c000000" },
  mipsle: { bits: 32, order: "little", number: 8, flags: 0x7000_1000, exit: "00000424a10f02240c000000" },
  ppc64le: { bits: 64, order: "little", number: 21, flags: 2, exit: "000060380100003802000044" },
  riscv64: { bits: 64, order: "little", number: 243, flags: 0, exit: "130500009308d00573000000" },
  s390x: { bits: 64, order: "big", number: 22, flags: 0, exit: "a72900000a01" },
};

/** Every architecture of which there is a smallest program. */
export const ARCHITECTURES: readonly string[] = Object.keys(MACHINES);

const HEADER_BYTES = { 32: { file: 52, segment: 32 }, 64: { file: 64, segment: 56 } } as const;
/** A multiple of every page size. */
const ADDRESS = 0x40_0000;
const ALIGNMENT = 0x1_0000;
const [EXECUTABLE, LOADED, READ_AND_EXECUTE] = [2, 1, 5];

/** A program that ends at once, with success: a file header, one segment, three instructions. Undefined for an architecture that we do not know. */
export function smallestProgram(architecture: string): Buffer | undefined {
  const machine = Object.hasOwn(MACHINES, architecture) ? MACHINES[architecture] : undefined;
  if (machine === undefined) return undefined;
  const { bits, order, number, flags } = machine;
  const sizes = HEADER_BYTES[bits];
  const exit = Buffer.from(machine.exit, "hex");
  const headers = sizes.file + sizes.segment;
  const total = headers + exit.byteLength;
  const word = bits / 8;
  const write = (fields: ReadonlyArray<readonly [bytes: number, value: number]>): Buffer => Buffer.concat(fields.map(([bytes, value]) => numberBytes(value, bytes, order)));
  const identity = Buffer.from([0x7f, ...Buffer.from("ELF"), bits / 32, order === "little" ? 1 : 2, 1, 0, ...Array.from({ length: 8 }, () => 0)]);
  const rest = write([
    [2, EXECUTABLE], [2, number], [4, 1], [word, ADDRESS + headers], [word, sizes.file], [word, 0], [4, flags],
    [2, sizes.file], [2, sizes.segment], [2, 1], [2, 0], [2, 0], [2, 0],
  ]);
  // The two sizes of header differ in where they have the flags.
  const places: ReadonlyArray<readonly [number, number]> = [[word, 0], [word, ADDRESS], [word, ADDRESS], [word, total], [word, total]];
  const segment = write(bits === 64
    ? [[4, LOADED], [4, READ_AND_EXECUTE], ...places, [word, ALIGNMENT]]
    : [[4, LOADED], ...places, [4, READ_AND_EXECUTE], [word, ALIGNMENT]]);
  return Buffer.concat([identity, rest, segment, exit]);
}

function numberBytes(value: number, bytes: number, order: Machine["order"]): Buffer {
  const buffer = Buffer.alloc(bytes);
  // The values are far below 2^48, which is what these functions write at most.
  const part = Math.min(bytes, 6);
  if (order === "little") buffer.writeUIntLE(value, 0, part);
  else buffer.writeUIntBE(value, bytes - part, part);
  return buffer;
}
