import { unlinkSync } from "node:fs";
import { join } from "node:path";
import type { IdMaps } from "../namespace/mount-namespace.ts";
import { SystemCallError } from "../syscall/native-function.ts";
import { makeNode } from "../syscall/node.ts";
import { removeXattr, setXattr } from "../syscall/xattr.ts";

/** A privilege as plain data, for another thread: see `privilegeOf`. */
export type PrivilegeForm = { readonly kind: "trusted" | "user" | "container-root" } | { readonly kind: "user-with-ids"; readonly maps: IdMaps };

/** What this process may write into a tree. */
export interface Privilege {
  readonly form: PrivilegeForm;
  /** Files may be given to any user, and devices made. */
  readonly isRoot: boolean;
  /** How overlayfs is told that a directory hides what is below (overlayfs.rst, "userxattr"). */
  readonly opaqueXattr: "trusted.overlay.opaque" | "user.overlay.opaque";
  maySet(xattr: string): boolean;
  /** A file's owner as processes in a tree see it. */
  userInside(uid: number): number;
  groupInside(gid: number): number;
}

const TRUSTED: Privilege = {
  form: { kind: "trusted" },
  isRoot: true,
  opaqueXattr: "trusted.overlay.opaque",
  // A label is of the machine where it was given.
  maySet: (xattr) => !isOverlayXattr(xattr) && xattr !== "security.selinux",
  userInside: (uid) => uid,
  groupInside: (gid) => gid,
};

const USER: Privilege = {
  form: { kind: "user" },
  isRoot: false,
  opaqueXattr: "user.overlay.opaque",
  // Others need privilege, over the file or over the machine.
  maySet: (xattr) => xattr.startsWith("user.") && !isOverlayXattr(xattr),
  // Whoever has no other ids is root inside.
  userInside: (uid) => (uid === process.geteuid?.() ? 0 : uid),
  groupInside: (gid) => (gid === process.getegid?.() ? 0 : gid),
};

/** Root with the capabilities that containers have by default: files are given to anybody, but `trusted` attributes are another's. */
export const CONTAINER_ROOT: Privilege = {
  ...USER,
  form: { kind: "container-root" },
  isRoot: true,
  maySet: (xattr) => xattr === "security.capability" || USER.maySet(xattr),
  userInside: (uid) => uid,
  groupInside: (gid) => gid,
};

/** Who is no root, with steps in a user namespace: what they give to an id inside lies on disk as one outside. */
export function userWithIds(maps: IdMaps): Privilege {
  return { ...USER, form: { kind: "user-with-ids", maps }, userInside: insideId(maps.uid), groupInside: insideId(maps.gid) };
}

export function privilegeOf(form: PrivilegeForm): Privilege {
  switch (form.kind) {
    case "trusted":
      return TRUSTED;
    case "user":
      return USER;
    case "container-root":
      return CONTAINER_ROOT;
    case "user-with-ids":
      return userWithIds(form.maps);
  }
}

/** Lines of first id inside, first id outside, count. An id that is not mapped stays. */
function insideId(map: string): (id: number) => number {
  const ranges = map.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return (id) => {
    const [inside = id, outside = id] = ranges.find(([, first = 0, count = 0]) => id >= first && id < first + count) ?? [];
    return inside + id - outside;
  };
}

/** Overlayfs's own notes on files: about the place where they lie, no part of a layer. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.");
}

/** Finds out by trying, on a directory of ours: root in a container may be no root here. */
export function privilegeIn(directory: string): Privilege {
  if (process.geteuid?.() !== 0) return USER;
  try {
    setXattr(directory, "trusted.stemma.probe", Buffer.of(1));
    removeXattr(directory, "trusted.stemma.probe");
    return TRUSTED;
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "EPERM" || error.code === "ENOTSUP")) return USER;
    throw error;
  }
}

/** Whether overlayfs's mark of a file that is taken away can be made there: overlayfs itself takes none. */
export function takesWhiteouts(directory: string): boolean {
  const path = join(directory, "whiteout");
  try {
    makeNode(path, { kind: "char", mode: 0, major: 0, minor: 0 });
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "EPERM" || error.code === "ENOTSUP")) return false;
    throw error;
  }
  unlinkSync(path);
  return true;
}
