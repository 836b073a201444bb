import { nativeCallInThread } from "./native-function.ts";

const syncCall = nativeCallInThread("int syncfs(int fd)");

/** syncfs(2) on the file system of an open file, in a thread of its own: it takes as long as the disk does. */
export async function syncFileSystem(fd: number): Promise<void> {
  await syncCall(fd);
}
