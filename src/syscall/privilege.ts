import { checkCall, nativeFunction } from "./native-function.ts";

const PR_SET_PDEATHSIG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_CAPBSET_READ = 23;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** _LINUX_CAPABILITY_VERSION_3, whose sets are two words of 32 bits. */
const CAPABILITY_VERSION = 0x2008_0522;

/** Names of capabilities(7), each at its number. */
const NAMES: readonly string[] = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW
  IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG
  MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
`.trim().split(/\s+/).map((name) => `CAP_${name}`);

/** Names of the capabilities in a set as /proc/<pid>/status has it: hexadecimal digits. Those without a name are left out. */
export function capabilityNames(set: string): readonly string[] {
  const bits = BigInt(`0x${set}`);
  return NAMES.filter((_name, number) => ((bits >> BigInt(number)) & 1n) === 1n);
}

const prctlCall = nativeFunction("int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)");
const capgetCall = nativeFunction("int capget(void *header, void *data)");
const capsetCall = nativeFunction("int capset(void *header, void *data)");
const setGroupsCall = nativeFunction("int setgroups(size_t size, const uint32_t *list)");
const setGroupIdCall = nativeFunction("int setresgid(uint32_t real, uint32_t effective, uint32_t saved)");
const setUserIdCall = nativeFunction("int setresuid(uint32_t real, uint32_t effective, uint32_t saved)");

/**
 * Limits what a program executed from here on can ever gain to the named capabilities: the bounding set is cut down,
 * what is inheritable and ambient is emptied. Counts for the calling thread and what it executes.
 */
export function limitCapabilities(names: readonly string[]): void {
  const kept = new Set(names.map((name) => NAMES.indexOf(name)));
  for (let number = 0; prctlCall(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
    if (!kept.has(number)) checkCall(prctlCall(PR_CAPBSET_DROP, number, 0, 0, 0), "prctl", `drop capability ${number}`);
  }
  checkCall(prctlCall(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl", "clear ambient capabilities");
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  // Twice effective, permitted, inheritable.
  const sets = new Uint32Array(6);
  checkCall(capgetCall(header, sets), "capget");
  sets[2] = 0;
  sets[5] = 0;
  checkCall(capsetCall(header, sets), "capset");
}

/** setgroups(2), setresgid(2), setresuid(2), in this order. Without `groups` the list stays: one id alone may not set it. */
export function becomeUser(user: { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }): void {
  if (user.groups.length > 0) checkCall(setGroupsCall(user.groups.length, new Uint32Array(user.groups)), "setgroups");
  checkCall(setGroupIdCall(user.gid, user.gid, user.gid), "setresgid", String(user.gid));
  checkCall(setUserIdCall(user.uid, user.uid, user.uid), "setresuid", String(user.uid));
}

/** What our descendants lose becomes our child, and not that of the machine's first process (prctl(2), PR_SET_CHILD_SUBREAPER). */
export function adoptOrphans(): void {
  checkCall(prctlCall(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl", "PR_SET_CHILD_SUBREAPER");
}

/** The kernel kills us when our parent ends (prctl(2), PR_SET_PDEATHSIG); forgotten when ids change, so to be said after that. */
export function dieWithParent(): void {
  checkCall(prctlCall(PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl", "PR_SET_PDEATHSIG");
}
