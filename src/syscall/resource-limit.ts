import { checkCall, nativeFunction } from "./native-function.ts";

/** Numbers of getrlimit(2), in the kernel's generic order. */
const NUMBERS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0, RLIMIT_FSIZE: 1, RLIMIT_DATA: 2, RLIMIT_STACK: 3, RLIMIT_CORE: 4, RLIMIT_RSS: 5, RLIMIT_NPROC: 6, RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8, RLIMIT_AS: 9, RLIMIT_LOCKS: 10, RLIMIT_SIGPENDING: 11, RLIMIT_MSGQUEUE: 12, RLIMIT_NICE: 13, RLIMIT_RTPRIO: 14, RLIMIT_RTTIME: 15,
};

const setLimitCall = nativeFunction("int setrlimit(int resource, const void *limits)");

/** setrlimit(2): for this process and what it becomes. A value beyond 64 bits is the greatest one, which is no limit. */
export function limitResource(name: string, soft: number, hard: number): void {
  const number = NUMBERS[name];
  if (number === undefined) throw new RangeError(`${name} is no limit that Linux knows`);
  const limits = new BigUint64Array([wholeNumber(soft), wholeNumber(hard)]);
  checkCall(setLimitCall(number, new Uint8Array(limits.buffer)), "setrlimit", name);
}

function wholeNumber(value: number): bigint {
  return value >= 2 ** 63 ? 2n ** 64n - 1n : BigInt(value);
}
