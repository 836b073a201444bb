import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { randomId } from "../host/random.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { MountedTree } from "../snapshot/layer-store.ts";
import { tryLock } from "../syscall/lock.ts";
import { readInRoot } from "../syscall/read-in-root.ts";
import { hostsFile } from "./hosts-file.ts";
import { OWNER_LOCK } from "./leftovers.ts";
import { openOwnNetwork, type OwnNetwork } from "./own-network.ts";
import { missingMountPoints, removeMountStubs } from "./mount-stubs.ts";
import { resolvConf } from "./resolv-conf.ts";
import { runtimeSpec, type RuntimeSpec, type SandboxGround, type SpecifiedProcess, type SpecMount } from "./runtime-spec.ts";
import { runToEnd } from "./run-to-end.ts";
import { insecureDevices } from "./sandbox-device.ts";
import { MORE_IDS_ADVICE, SandboxError } from "./sandbox-error.ts";
import { existsInTree, resolveInTree } from "./tree-path.ts";
import { resolveUser, type TreeUser, type UserFiles } from "./tree-user.ts";

/** What is prepared for one process: the folder that an OCI runtime starts from, and the tree made ready for it. */
export interface Bundle extends AsyncDisposable {
  /** Unique on this machine; starts with our process number, so that what a killed process left can be told. */
  readonly id: string;
  /** As processes inside the mount namespace name it. In memory, and nowhere else: what is in it may be secret, and goes with the namespace. */
  readonly folder: string;
  /** The same folder as we reach it. */
  readonly view: string;
  /** Who its process runs as. */
  readonly user: TreeUser;
  readonly ground: SandboxGround;
}

/** passwd and group files are small; what is larger is not one. */
const USER_FILE_BYTES_MAX = 10 * 1024 * 1024;

const RESOLV_CONF = "resolv.conf";
const HOSTS = "hosts";
const AUTHORITIES = "authorities.pem";

/** Directories that are there after any RUN: BuildKit leaves these mount points in the layer. */
const KEPT_MOUNT_POINTS = ["proc", "sys", "dev"];

export interface BundlePlace {
  readonly namespace: MountNamespace;
  /** Bundles are made in here. */
  readonly folder: string;
  readonly ground: (bundleId: string) => SandboxGround;
}

/** Writes the bundle and prepares the tree. Disposing takes away the bundle and the mount points that were left empty. */
export async function prepareBundle(step: SpecifiedProcess, root: MountedTree, place: BundlePlace, signal: AbortSignal): Promise<Bundle> {
  const { namespace } = place;
  const id = newBundleId();
  const folder = join(place.folder, id);
  const ground = place.ground(id);
  const user = lookUpUser(root.viewPath, step.user, ground);
  const destinations = ["/etc/resolv.conf", "/etc/hosts", ...step.mounts.map((mount) => mount.destination)];
  const stubs = missingMountPoints(root.viewPath, destinations);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const lock = openSync(join(folder, OWNER_LOCK), "wx", 0o600);
  tryLock(lock, "exclusive");
  let network: OwnNetwork | undefined;
  const bundle = {
    id,
    folder,
    user,
    ground,
    view: namespace.viewPath(folder),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await network?.[Symbol.asyncDispose]();
      await namespace.unmount(folder);
      closeSync(lock);
      rmSync(folder, { recursive: true, force: true });
      const refused = removeMountStubs(stubs);
      if (refused.length > 0) await removeInside(namespace, refused.map((path) => insidePath(root, path)));
    },
  };
  await namespace.mount({ type: "tmpfs", source: "tmpfs", target: folder, readOnly: false, data: "mode=0711" }, signal).catch((error: unknown) => {
    closeSync(lock);
    rmSync(folder, { recursive: true });
    throw error;
  });
  try {
    network = await openOwnNetwork(step.network, namespace, signal);
    const { process: child } = fillBundle(step, root, bundle, network);
    // Each runtime would give them a mode of its own, and what is put into them stays.
    await makeDirectories(namespace, root, destinations.map((path) => resolveInTree(root.viewPath, dirname(path))), { uid: 0, gid: 0 });
    await makeDirectories(namespace, root, KEPT_MOUNT_POINTS.map((name) => resolveInTree(root.viewPath, name)), { uid: 0, gid: 0 });
    await makeDirectories(namespace, root, [resolveInTree(root.viewPath, child.cwd)], user);
    await makeDirectories(namespace, root, leftAgain(child.cwd).map((path) => resolveInTree(root.viewPath, path)), { uid: 0, gid: 0 });
    return bundle;
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}

function fillBundle(step: SpecifiedProcess, root: MountedTree, { folder, view, user, ground }: Omit<Bundle, typeof Symbol.asyncDispose>, network: OwnNetwork | undefined): RuntimeSpec {
  const authorities = typeof step.network === "string" ? undefined : step.network.authorities;
  const files = {
    rootPath: root.rootPath, resolvConf: join(folder, RESOLV_CONF), hosts: join(folder, HOSTS), network: network?.path,
    authorities: authorities === undefined ? undefined : join(folder, AUTHORITIES),
  };
  // In a user namespace most of them could not be opened.
  const devices = step.insecure && !ground.rootless ? [...insecureDevices(), ...step.devices] : step.devices;
  const written = runtimeSpec({ ...step, devices }, user, files, ground);
  // Runtimes differ in how far they follow links that lead to what is not there yet; these are followed already.
  const mounts = written.mounts.map((mount) => placedInTree(mount, root.viewPath));
  const spec = { ...written, mounts };
  const contents = { [RESOLV_CONF]: resolvConf(step.network, readIfThere), [HOSTS]: hostsFile(step), ...(authorities === undefined ? {} : { [AUTHORITIES]: authorities }) };
  for (const [name, content] of Object.entries(contents)) {
    writeFileSync(join(view, name), content);
    chmodSync(join(view, name), 0o644); // Whatever our umask is.
  }
  writeFileSync(join(view, "config.json"), JSON.stringify(spec), { mode: 0o600 });
  return spec;
}

/** A tmpfs has the mode of the directory that it lies over, as with runc; others give each 1777. */
function placedInTree(mount: SpecMount, root: string): SpecMount {
  const target = resolveInTree(root, mount.destination);
  const stat = mount.type === "tmpfs" && !mount.options.some((option) => option.startsWith("mode=")) && existsInTree(target) ? statSync(target) : undefined;
  return { ...mount, destination: target.slice(root.length), options: [...mount.options, ...(stat === undefined ? [] : [`mode=${(stat.mode & 0o7777).toString(8)}`])] };
}

export function newBundleId(): string {
  return `${process.pid}-${randomId()}`;
}

function lookUpUser(root: string, text: string, ground: SandboxGround): TreeUser {
  return allowedUser(text, { passwd: readUserFile(root, "/etc/passwd"), group: readUserFile(root, "/etc/group") }, ground);
}

/** The same in a tree that processes are changing meanwhile: the kernel itself follows the links, and leaves none out. */
export function lookUpUserAlive(root: string, text: string, ground: SandboxGround): TreeUser {
  const read = (path: string): string | undefined => readInRoot(root, path, USER_FILE_BYTES_MAX);
  return allowedUser(text, { passwd: read("/etc/passwd"), group: read("/etc/group") }, ground);
}

function allowedUser(text: string, files: UserFiles, ground: SandboxGround): TreeUser {
  const user = resolveUser(text, files);
  if (!ground.manyIds && (user.uid !== 0 || user.gid !== 0)) {
    throw new SandboxError("user", `user ${text} is ${user.uid}:${user.gid}, and only root exists here: ${MORE_IDS_ADVICE}`);
  }
  return user;
}

function readUserFile(root: string, path: string): string | undefined {
  const real = resolveIfPossible(root, path);
  if (real === undefined) return undefined;
  const stat = statSync(real, { throwIfNoEntry: false });
  if (stat?.isFile() !== true) return undefined;
  if (stat.size > USER_FILE_BYTES_MAX) throw new SandboxError("user", `${path} exceeds ${USER_FILE_BYTES_MAX} bytes`);
  return readIfThere(real);
}

/** Undefined for a link that turns in circles: then there is no such file. */
function resolveIfPossible(root: string, path: string): string | undefined {
  try {
    return resolveInTree(root, path);
  } catch (error) {
    if (error instanceof SandboxError) return undefined;
    throw error;
  }
}

/** The parts of a path that its `..` leave: of `/a/../b` it is `/a`, which the kernel has to find and runc therefore makes. */
function leftAgain(path: string): string[] {
  const parts = path.split("/");
  return parts.flatMap((part, i) => (part === ".." ? [parts.slice(0, i).join("/")] : []));
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Each with the parents that it lacks, all owned by `owner`; what is there stays as it is. */
async function makeDirectories(namespace: MountNamespace, root: MountedTree, paths: readonly string[], owner: Owner): Promise<void> {
  for (const path of paths) {
    const missing = missingMountPoints(root.viewPath, [path.slice(root.viewPath.length)]).toReversed();
    const nearest = missing[0] === undefined ? path : dirname(missing[0]);
    if (statSync(nearest).isDirectory() !== true) throw new SandboxError("path", `${insidePath(root, nearest).slice(root.rootPath.length)} is not a directory`);
    for (const directory of missing) {
      try {
        mkdirSync(directory);
        chmodSync(directory, 0o755);
        chownSync(directory, owner.uid, owner.gid);
      } catch (error) {
        if (!["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
        await makeInside(namespace, insidePath(root, directory), owner);
      }
    }
  }
}

/** In a user namespace only a process inside can give something to another id, or write where another id owns. */
async function makeInside(namespace: MountNamespace, path: string, owner: Owner): Promise<void> {
  const script = 'mkdir -p -m 755 -- "$1" && chown -h "$2" -- "$1"';
  const complaint = await runToEnd(namespace, ["/bin/sh", "-c", script, "sh", path, `${owner.uid}:${owner.gid}`], new AbortController().signal);
  if (complaint.exitCode !== 0) throw new SandboxError("path", `cannot make ${path}: ${complaint.stderr.trim()}`);
}

async function removeInside(namespace: MountNamespace, paths: readonly string[]): Promise<void> {
  const script = `for path; do
    parent=\${path%/*}
    time=$(stat -c %y -- "$parent") || continue
    if [ -d "$path" ]; then rmdir -- "$path"; elif [ ! -s "$path" ]; then rm -f -- "$path"; fi 2>/dev/null
    touch -m -d "$time" -- "$parent"
  done`;
  await runToEnd(namespace, ["/bin/sh", "-c", script, "sh", ...paths], new AbortController().signal);
}

/** The same place as a process inside the mount namespace names it. */
function insidePath(root: MountedTree, path: string): string {
  return root.rootPath + path.slice(root.viewPath.length);
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
