import { checkCall, nativeFunction } from "./native-function.ts";

/** Flags of mount(2); their numbers are the kernel's, the same on every architecture. */
export const MOUNT_FLAGS: {
  readonly readOnly: number; readonly noSuid: number; readonly noDev: number; readonly noExec: number;
  readonly remount: number; readonly noAtime: number; readonly noDirAtime: number; readonly bind: number;
  readonly recursive: number; readonly private: number; readonly relAtime: number; readonly strictAtime: number;
} = {
  readOnly: 1, noSuid: 2, noDev: 4, noExec: 8,
  remount: 32, noAtime: 1024, noDirAtime: 2048, bind: 4096,
  recursive: 16384, private: 1 << 18, relAtime: 1 << 21, strictAtime: 1 << 24,
};

/** MNT_DETACH: out of sight now, gone when its last user is. */
export const UNMOUNT_DETACH = 2;

/** UMOUNT_NOFOLLOW: a symlink at the target is not followed. */
export const UNMOUNT_NO_FOLLOW = 8;

const mountCall = nativeFunction("int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)");
const unmountCall = nativeFunction("int umount2(const char *target, int flags)");

export interface MountCall {
  readonly source: string;
  readonly target: string;
  readonly type: string;
  readonly flags: number;
  readonly data: string;
}

/** mount(2). Blocks for as long as the kernel does, which is well under a millisecond for what we mount. */
export function mount(call: MountCall): void {
  const data = call.data === "" ? undefined : call.data;
  checkCall(mountCall(call.source, call.target, call.type, call.flags, data), "mount", `${call.type || "none"} on ${call.target}`);
}

/** umount2(2). */
export function unmount(target: string, flags: number): void {
  checkCall(unmountCall(target, flags), "umount2", target);
}
