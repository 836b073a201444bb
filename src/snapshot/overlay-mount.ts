import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { Privilege } from "./privilege.ts";

/** mount(2) takes one page, with the zero byte at its end. */
const MOUNT_DATA_BYTES_MAX = 4095;

/** Where short links are made. Not os.tmpdir(), which reads the environment of a process that is not ours to read. */
export const LINKS_PARENT: string = "/tmp";

/** What separates options and directories from each other. */
const SEPARATORS = /[,:\\]/;

/** Directories of an overlay; the topmost lower one first. */
export interface OverlayDirectories {
  readonly lower: readonly string[];
  /** Undefined for a tree that nobody writes to. */
  readonly writable: { readonly upper: string; readonly work: string } | undefined;
}

/**
 * What must hold on every machine for an upper directory to be a layer: no directories moved by
 * reference, no files without their content.
 */
const LAYER_OPTIONS = "redirect_dir=off,metacopy=off,index=off";
/** In a user namespace the kernel chooses these itself, and takes no others. */
const USER_LAYER_OPTIONS = "userxattr";

/** Mounts an overlay of any number of directories that the kernel takes (500), however long their names are. */
export async function mountOverlay(
  namespace: MountNamespace, overlay: OverlayDirectories & { readonly target: string }, privilege: Privilege, signal: AbortSignal,
): Promise<void> {
  const mount = (data: string): Promise<void> =>
    namespace.mount({ type: "overlay", source: "overlay", target: overlay.target, readOnly: overlay.writable === undefined, data }, signal);
  const data = overlayData(overlay, privilege);
  const paths = [...overlay.lower, ...Object.values(overlay.writable ?? {})];
  if (Buffer.byteLength(data) <= MOUNT_DATA_BYTES_MAX && !paths.some((path) => SEPARATORS.test(path))) return await mount(data);
  // The kernel looks names up once, while it mounts: short links serve as well.
  const links = mkdtempSync(join(LINKS_PARENT, "s"));
  try {
    await mount(overlayData(linkShort(overlay, links), privilege));
  } finally {
    rmSync(links, { recursive: true });
  }
}

export function overlayData({ lower, writable }: OverlayDirectories, privilege: Privilege): string {
  const options = privilege.isRoot ? LAYER_OPTIONS : USER_LAYER_OPTIONS;
  const upper = writable === undefined ? "" : `,upperdir=${writable.upper},workdir=${writable.work}`;
  return `lowerdir=${lower.join(":")}${upper},${options}`;
}

/** Layers that one mount can name through links in a directory of this length; what lies below them must be merged before. */
export function lowerDirectoriesMax(linksPathBytes: number): number {
  const fixed = Buffer.byteLength(`lowerdir=,upperdir=/u,workdir=/w,${LAYER_OPTIONS}`) + 2 * linksPathBytes;
  // A slash, up to two digits of base 36, and a colon.
  return Math.min(500, Math.floor((MOUNT_DATA_BYTES_MAX - fixed) / (linksPathBytes + 4)));
}

function linkShort({ lower, writable }: OverlayDirectories, links: string): OverlayDirectories {
  const link = (target: string, name: string): string => {
    const path = join(links, name);
    symlinkSync(target, path);
    return path;
  };
  return {
    lower: lower.map((target, number) => link(target, number.toString(36))),
    writable: writable && { upper: link(writable.upper, "upper"), work: link(writable.work, "work") },
  };
}

/** True when this machine lets us mount an overlay on that file system, with the options that layers need. */
export async function overlayWorks(namespace: MountNamespace, directory: string, privilege: Privilege, signal: AbortSignal): Promise<boolean> {
  return (await overlayRefusal(namespace, directory, privilege, signal)) === undefined;
}

/** What the machine says against an overlay in that directory; undefined when it mounts one. */
export async function overlayRefusal(namespace: MountNamespace, directory: string, privilege: Privilege, signal: AbortSignal): Promise<string | undefined> {
  const [lower, upper, work, target] = ["lower", "upper", "work", "target"].map((name) => join(directory, name)) as [string, string, string, string];
  for (const path of [lower, upper, work, target]) mkdirSync(path);
  try {
    await mountOverlay(namespace, { lower: [lower], writable: { upper, work }, target }, privilege, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (isMountRefusal(error)) return error.message;
    throw error;
  }
  await namespace.unmount(target);
  return undefined;
}

function isMountRefusal(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "mount-failed";
}
