import { constants } from "node:os";
import type { SeccompProfile, SeccompRule } from "./seccomp-profile.ts";
import { syscallNumbers, type SyscallTable } from "./syscall-numbers.ts";

/** One instruction of the kernel's filter machine: `struct sock_filter` (bpf(4), seccomp(2)). */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const LOAD = 0x20;
const AND = 0x54;
const GO_TO = 0x05;
const IF_EQUAL = 0x15;
const IF_GREATER = 0x25;
const IF_AT_LEAST = 0x35;
const RETURN = 0x06;

const ALLOW = 0x7fff_0000;
const ERROR = 0x0005_0000;

const INSTRUCTION_BYTES = 8;

/** Where a filter finds what is called, in `struct seccomp_data`. */
const AT_NUMBER = 0;
const AT_ARCHITECTURE = 4;
const AT_ARGUMENTS = 16;
const ARGUMENT_BYTES = 8;

/** As the kernel tells a call's kind (linux/audit.h). 32-bit programs of arm64 are not here: each of their calls is refused. */
const ARCHITECTURES: Readonly<Record<string, ReadonlyArray<readonly [audit: number, table: SyscallTable]>>> = {
  x64: [[0xc000_003e, "x64"], [0x4000_0003, "x86"]],
  arm64: [[0xc000_00b7, "arm64"]],
};

/**
 * The profile as a program for the kernel, for a processor in Node's words: what runc and crun let libseccomp do. Kernels
 * remember which calls a filter always allows, so that the length of it costs nothing after the first.
 */
export function compileFilter(profile: SeccompProfile, processor: string): Uint8Array {
  const otherwise = refusal(profile.defaultErrnoRet);
  const blocks = (ARCHITECTURES[processor] ?? []).flatMap(([audit, table]): Instruction[] => {
    const block = compileTable(profile.syscalls, syscallNumbers(table), otherwise);
    return [[IF_EQUAL, 1, 0, audit], [GO_TO, 0, 0, block.length], ...block];
  });
  return encode([[LOAD, 0, 0, AT_ARCHITECTURE], ...blocks, [RETURN, 0, 0, otherwise]]);
}

function compileTable(rules: readonly SeccompRule[], numbers: ReadonlyMap<string, number>, otherwise: number): readonly Instruction[] {
  const answers = new Map<number, number>();
  const conditional: Instruction[] = [];
  for (const rule of rules) {
    const answer = rule.action === "SCMP_ACT_ALLOW" ? ALLOW : refusal(rule.errnoRet ?? constants.errno.EPERM);
    for (const number of rule.names.flatMap((name) => numbers.get(name) ?? [])) {
      if (rule.args === undefined) answers.set(number, answer);
      else conditional.push(...compileConditions(number, rule.args, answer));
    }
  }
  return [...conditional, [LOAD, 0, 0, AT_NUMBER], ...compileRanges(answers), [RETURN, 0, 0, otherwise]];
}

/** Neighbouring numbers with one answer are one comparison. */
function compileRanges(answers: ReadonlyMap<number, number>): readonly Instruction[] {
  const ranges: Array<{ readonly first: number; last: number; readonly answer: number }> = [];
  for (const [number, answer] of [...answers].toSorted(([a], [b]) => a - b)) {
    const before = ranges.at(-1);
    if (before?.last === number - 1 && before.answer === answer) before.last = number;
    else ranges.push({ first: number, last: number, answer });
  }
  return ranges.flatMap(({ first, last, answer }): Instruction[] => [[IF_AT_LEAST, 0, 2, first], [IF_GREATER, 1, 0, last], [RETURN, 0, 0, answer]]);
}

/** Whoever does not fulfil them goes on behind, where other rules may. */
function compileConditions(number: number, conditions: NonNullable<SeccompRule["args"]>, answer: number): readonly Instruction[] {
  const [condition] = conditions;
  if (condition === undefined || conditions.length > 1) throw new RangeError("a rule with several conditions is none of ours");
  const test = compileCondition(condition, answer);
  return [[LOAD, 0, 0, AT_NUMBER], [IF_EQUAL, 0, test.length, number], ...test];
}

/** An argument has 64 bits and the machine 32; what we compare with has no more than those. */
function compileCondition({ index, op, value, valueTwo = 0 }: NonNullable<SeccompRule["args"]>[number], answer: number): readonly Instruction[] {
  const low = AT_ARGUMENTS + index * ARGUMENT_BYTES;
  const high = low + ARGUMENT_BYTES / 2;
  const give: Instruction = [RETURN, 0, 0, answer];
  switch (op) {
    case "SCMP_CMP_EQ":
      return [[LOAD, 0, 0, high], [IF_EQUAL, 0, 3, 0], [LOAD, 0, 0, low], [IF_EQUAL, 0, 1, value], give];
    case "SCMP_CMP_LT":
      return [[LOAD, 0, 0, high], [IF_EQUAL, 0, 3, 0], [LOAD, 0, 0, low], [IF_AT_LEAST, 1, 0, value], give];
    case "SCMP_CMP_GT":
      return [[LOAD, 0, 0, high], [IF_GREATER, 2, 0, 0], [LOAD, 0, 0, low], [IF_GREATER, 0, 1, value], give];
    case "SCMP_CMP_MASKED_EQ":
      return [[LOAD, 0, 0, low], [AND, 0, 0, value], [IF_EQUAL, 0, 1, valueTwo], give];
    default:
      throw new RangeError(`a comparison ${op} is none of ours`);
  }
}

function refusal(errno: number): number {
  return ERROR | errno;
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [at, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const offset = at * INSTRUCTION_BYTES;
    // x64 and arm64, the processors that we have profiles for, are little-endian.
    view.setUint16(offset, code, true);
    view.setUint8(offset + 2, ifTrue);
    view.setUint8(offset + 3, ifFalse);
    view.setUint32(offset + 4, value, true);
  }
  return bytes;
}
