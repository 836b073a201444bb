import { closeSync } from "node:fs";
import { UNMOUNT_DETACH, unmount } from "./mount.ts";
import { checkCall, nativeFunction } from "./native-function.ts";

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;

/** `struct ifreq` of 64-bit Linux: 16 bytes of name, then flags. */
const INTERFACE_REQUEST_BYTES = 40;
const INTERFACE_FLAGS_OFFSET = 16;

const pivotRootCall = nativeFunction("int pivot_root(const char *newRoot, const char *putOld)");
const chrootCall = nativeFunction("int chroot(const char *path)");
const setHostNameCall = nativeFunction("int sethostname(const char *name, size_t length)");
const socketCall = nativeFunction("int socket(int domain, int type, int protocol)");
const ioctlCall = nativeFunction("int ioctl(int fd, unsigned long request, void *argument)");

/** pivot_root(2) into `root`, which must be a mount point; the old root is not reachable afterwards. */
export function changeRoot(root: string): void {
  process.chdir(root);
  // Old and new root on one place: the old one lies on top, and goes with the unmount (pivot_root(2), notes).
  checkCall(pivotRootCall(".", "."), "pivot_root", root);
  unmount(".", UNMOUNT_DETACH);
  process.chdir("/");
}

/** chroot(2): all that it takes is CAP_SYS_CHROOT, and who has that can leave again. */
export function enterRoot(root: string): void {
  checkCall(chrootCall(root), "chroot", root);
  process.chdir("/");
}

/** sethostname(2), in our own UTS namespace. */
export function setHostName(name: string): void {
  checkCall(setHostNameCall(name, Buffer.byteLength(name)), "sethostname", name);
}

/** Brings up the loopback interface of a new network namespace (netdevice(7)). */
export function raiseLoopback(): void {
  const socket = checkCall(socketCall(AF_INET, SOCK_DGRAM, 0), "socket");
  try {
    const request = Buffer.alloc(INTERFACE_REQUEST_BYTES);
    request.write("lo");
    checkCall(ioctlCall(socket, SIOCGIFFLAGS, request), "ioctl", "SIOCGIFFLAGS lo");
    request.writeUInt16LE(request.readUInt16LE(INTERFACE_FLAGS_OFFSET) | IFF_UP, INTERFACE_FLAGS_OFFSET);
    checkCall(ioctlCall(socket, SIOCSIFFLAGS, request), "ioctl", "SIOCSIFFLAGS lo");
  } finally {
    closeSync(socket);
  }
}
