import { MOUNT_FLAGS } from "../syscall/mount.ts";

const FLAGS: Readonly<Record<string, number>> = {
  ro: MOUNT_FLAGS.readOnly,
  rw: 0,
  nosuid: MOUNT_FLAGS.noSuid,
  nodev: MOUNT_FLAGS.noDev,
  noexec: MOUNT_FLAGS.noExec,
  strictatime: MOUNT_FLAGS.strictAtime,
  bind: MOUNT_FLAGS.bind,
  rbind: MOUNT_FLAGS.bind | MOUNT_FLAGS.recursive,
};

/** Splits the options of an OCI mount into the flags of mount(2) and what is the file system's own. */
export function parseMountOptions(options: readonly string[]): { readonly flags: number; readonly data: string } {
  const known = options.filter((option) => Object.hasOwn(FLAGS, option));
  return {
    flags: known.reduce((flags, option) => flags | (FLAGS[option] ?? 0), 0),
    data: options.filter((option) => !Object.hasOwn(FLAGS, option)).join(","),
  };
}
