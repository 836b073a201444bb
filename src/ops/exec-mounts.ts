import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CacheSharingOpt, MountType, type Mount } from "../llb/op.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import type { SandboxMount } from "../sandbox/sandbox.ts";
import { existsInTree, resolveInTree } from "../sandbox/tree-path.ts";
import type { Session } from "../session/session.ts";
import { openCacheDirectory, type CacheDirectory, type CacheSharing } from "../snapshot/cache-directory.ts";
import type { LayerStore, MountedTree } from "../snapshot/layer-store.ts";
import type { LayerChain } from "../snapshot/layer.ts";
import { Tree } from "../snapshot/tree.ts";
import { openAgentProxy } from "./agent-proxy.ts";
import { OperationError } from "./operation-error.ts";
import { usedContent } from "./used-content.ts";

/** Modes of the files that secrets are, where the instruction names none (0400). */
const SECRET_MODE_DEFAULT = 0o400;

/** The agent that an instruction means which names none, and its socket's mode. */
const AGENT_ID_DEFAULT = "default";
const AGENT_MODE_DEFAULT = 0o600;

export interface MountServices {
  readonly layers: LayerStore;
  readonly session: Session;
  readonly namespace: () => Promise<MountNamespace>;
  readonly cacheDirectory: string;
  /** Told of each cache that a step has. */
  readonly onCacheUsed: (path: string) => void;
  /** True where nothing is mounted: a cache is then moved to the step, and can be at one place only. */
  readonly withoutNamespaces: boolean;
  /** An empty directory of this step; secrets are put into memory there, inside the namespace. */
  readonly scratchDirectory: string;
}

/** The trees and files of one RUN, in place. Disposing takes all of them away again. */
export class ExecMounts implements AsyncDisposable {
  readonly #services: MountServices;
  readonly #stack = new AsyncDisposableStack();
  /** Trees that were written to and that the graph wants back, by output index. */
  readonly #outputs = new Map<number, { readonly base: LayerChain; readonly tree: MountedTree }>();
  readonly #mounts: SandboxMount[] = [];
  readonly #caches = new Map<Mount, CacheDirectory>();
  #root: MountedTree | undefined;
  #secrets: string | undefined;

  constructor(services: MountServices) {
    this.#services = services;
  }

  get root(): MountedTree {
    if (this.#root === undefined) throw new OperationError("unsupported", "the graph has a command without a root file system");
    return this.#root;
  }

  get sandboxMounts(): readonly SandboxMount[] {
    return this.#mounts;
  }

  /** In their order: parents come before what is mounted in them. */
  async add(mounts: readonly Mount[], inputs: readonly LayerChain[], signal: AbortSignal): Promise<void> {
    await this.#openCaches(mounts.filter(({ mountType }) => mountType === MountType.CACHE), inputs, signal);
    for (const mount of mounts) await this.#add(mount, inputs, signal);
  }

  async #add(mount: Mount, inputs: readonly LayerChain[], signal: AbortSignal): Promise<void> {
    switch (mount.mountType) {
      case MountType.BIND:
        return await this.#addTree(mount, inputs, signal);
      case MountType.CACHE:
        return this.#addCache(mount);
      case MountType.TMPFS:
        this.#mounts.push({ kind: "tmpfs", destination: mount.dest, sizeBytes: tmpfsSize(mount) });
        return;
      case MountType.SECRET:
        return await this.#addSecret(mount, signal);
      case MountType.SSH:
        return await this.#addAgent(mount, signal);
    }
  }

  /** One chain for each output of the operation: what lay there, and what was written on it. */
  async commit(signal: AbortSignal): Promise<LayerChain[]> {
    const chains: LayerChain[] = [];
    for (const [index, { base, tree }] of [...this.#outputs].toSorted(([a], [b]) => a - b)) {
      chains[index] = [...base, await tree.commit(signal)];
    }
    return chains;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #addTree(mount: Mount, inputs: readonly LayerChain[], signal: AbortSignal): Promise<void> {
    // What comes out stands on the chain as it came in: an image's layer stays known as one, and keeps its blob.
    const base = chainOf(mount, inputs);
    const output = Number(mount.output);
    const tree = this.#stack.use(await this.#services.layers.mount(base, mount.readonly && output < 0 ? "read-only" : "writable", signal));
    if (output >= 0) this.#outputs.set(output, { base, tree });
    if (mount.dest === "/") {
      if (mount.selector !== "") throw new OperationError("unsupported", "the graph mounts a part of a tree as a root file system");
      this.#root = tree;
      return;
    }
    const source = join(tree.rootPath, await resolveSelector(base, mount.selector, signal));
    this.#mounts.push({ kind: "bind", source, destination: mount.dest, readOnly: mount.readonly });
  }

  /**
   * By their ids, whatever the order of the step: two steps that lock the same caches, each first the one that the other waits for, would
   * never go on. What a step has at two places is opened once, as it is first named: it would wait for itself. A private one is another
   * at each place.
   */
  async #openCaches(mounts: readonly Mount[], inputs: readonly LayerChain[], signal: AbortSignal): Promise<void> {
    const asked = await Promise.all(mounts.map(async (mount) => ({ mount, request: await this.#cacheRequest(mount, inputs, signal) })));
    const opened = new Map<string, CacheDirectory>();
    for (const { mount, request } of asked.toSorted((a, b) => (a.request.id < b.request.id ? -1 : a.request.id > b.request.id ? 1 : 0))) {
      const open = request.sharing === "private" ? undefined : opened.get(request.id);
      const directory = open ?? this.#stack.use(await openCacheDirectory(this.#services.cacheDirectory, request, (path) => this.#fillCache(path, mount, inputs, signal), signal));
      opened.set(request.id, directory);
      this.#services.onCacheUsed(directory.path);
      this.#caches.set(mount, directory);
    }
  }

  /** A cache is another one where it begins with something else: with other files, or another owner or mode. */
  async #cacheRequest(mount: Mount, inputs: readonly LayerChain[], signal: AbortSignal): Promise<{ readonly id: string; readonly sharing: CacheSharing }> {
    const { cacheOpt, dest } = mount;
    if (cacheOpt === undefined) throw new OperationError("unsupported", `the graph has a cache mount without an id (${dest})`);
    const sharing = SHARING.get(cacheOpt.sharing);
    if (sharing === undefined) throw new OperationError("unsupported", `the cache mount ${dest} is shared in a way that this engine does not know`);
    const base = chainOf(mount, inputs);
    const id = base.length === 0 ? cacheOpt.ID : `${cacheOpt.ID}:${await wholeContent(base, signal)}`;
    return { id, sharing: this.#services.withoutNamespaces && sharing === "shared" ? "locked" : sharing };
  }

  #addCache(mount: Mount): void {
    const directory = this.#caches.get(mount);
    if (directory === undefined) throw new RangeError(`the cache of ${mount.dest} was not opened`);
    const source = resolveInTree(directory.path, mount.selector);
    if (!existsInTree(source)) throw missingPart(mount.selector);
    this.#mounts.push({ kind: "bind", source, destination: mount.dest, readOnly: mount.readonly });
  }

  /** A new cache starts with all of what the mount is `from`, or with a directory that has the owner and mode that it asks for. */
  async #fillCache(path: string, mount: Mount, inputs: readonly LayerChain[], signal: AbortSignal): Promise<void> {
    const base = chainOf(mount, inputs);
    if (base.length === 0) return;
    await using tree = await this.#services.layers.mount(base, "read-only", signal);
    const namespace = await this.#services.namespace();
    const copy = await namespace.spawn({ argv: ["cp", "-a", "--", `${tree.rootPath}/.`, path], cwd: "/", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, stdin: "none" }, signal);
    copy.stdout.resume();
    const complaints = await copy.stderr.toArray();
    if ((await copy.exited) !== 0) throw new OperationError("unsupported", `the cache mount ${mount.dest} cannot be filled: ${Buffer.concat(complaints).toString().trim()}`);
  }

  async #addSecret(mount: Mount, signal: AbortSignal): Promise<void> {
    const { secretOpt } = mount;
    if (secretOpt === undefined) throw new OperationError("unsupported", `the graph has a secret mount without an id (${mount.dest})`);
    const secret = await this.#services.session.secret(secretOpt.ID, signal);
    if (secret === undefined) {
      if (secretOpt.optional) return;
      throw missingSecret(secretOpt.ID);
    }
    const path = join(await this.#secretDirectory(signal), String(this.#mounts.length));
    const view = (await this.#services.namespace()).viewPath(path);
    await writeFile(view, secret, { mode: 0o600, flag: "wx" });
    await chown(view, secretOpt.uid, secretOpt.gid);
    await chmod(view, secretOpt.mode === 0 ? SECRET_MODE_DEFAULT : secretOpt.mode);
    this.#mounts.push({ kind: "bind", source: path, destination: mount.dest, readOnly: true });
  }

  async #addAgent({ SSHOpt, dest }: Mount, signal: AbortSignal): Promise<void> {
    if (SSHOpt === undefined) throw new OperationError("unsupported", `the graph has an ssh mount without an id (${dest})`);
    const id = SSHOpt.ID === "" ? AGENT_ID_DEFAULT : SSHOpt.ID;
    const upstream = await this.#services.session.agent(id, signal);
    if (upstream === undefined) {
      if (SSHOpt.optional) return;
      throw new OperationError("missing-input", `unset ssh forward key ${id}: give it with --ssh ${id}, or --ssh ${id}=SOCKET|KEY`);
    }
    const { path } = this.#stack.use(await openAgentProxy(upstream, this.#services.scratchDirectory, `agent.${this.#mounts.length}`));
    // In this order: once it is another's, who is not root cannot change it.
    await chmod(path, SSHOpt.mode === 0 ? AGENT_MODE_DEFAULT : SSHOpt.mode);
    if (SSHOpt.uid !== 0 || SSHOpt.gid !== 0) await this.#give(path, `${SSHOpt.uid}:${SSHOpt.gid}`, signal);
    this.#mounts.push({ kind: "bind", source: path, destination: dest, readOnly: false });
  }

  /** Ids are those inside, where alone they can be given. */
  async #give(path: string, owner: string, signal: AbortSignal): Promise<void> {
    const chowned = await (await this.#services.namespace()).spawn({ argv: ["chown", "--", owner, path], cwd: "/", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, stdin: "none" }, signal);
    chowned.stdout.resume();
    const complaints = await chowned.stderr.toArray();
    if ((await chowned.exited) !== 0) throw new OperationError("unsupported", `an ssh agent cannot be given to ${owner}: ${Buffer.concat(complaints).toString().trim()}`);
  }

  /** In memory, and only inside the namespace: a killed build leaves no secret on a disk. */
  async #secretDirectory(signal: AbortSignal): Promise<string> {
    if (this.#secrets !== undefined) return this.#secrets;
    const namespace = await this.#services.namespace();
    const directory = join(this.#services.scratchDirectory, "secrets");
    await mkdir(directory, { recursive: true });
    await namespace.mount({ type: "tmpfs", source: "tmpfs", target: directory, readOnly: false, data: "mode=0711" }, signal);
    this.#stack.defer(() => namespace.unmount(directory));
    this.#secrets = directory;
    return directory;
  }
}

export function missingSecret(id: string): OperationError {
  return new OperationError("missing-input", `secret ${id}: not found: give it with --secret id=${id},src=PATH or --secret id=${id},env=VARIABLE`);
}

const wholeContent = usedContent([{ path: "", followLinks: true, wildcard: false, includePatterns: [], excludePatterns: [], requiredPaths: [] }]);

const SHARING: ReadonlyMap<CacheSharingOpt, CacheSharing> = new Map<CacheSharingOpt, CacheSharing>([
  [CacheSharingOpt.SHARED, "shared"],
  [CacheSharingOpt.PRIVATE, "private"],
  [CacheSharingOpt.LOCKED, "locked"],
]);

function chainOf(mount: Mount, inputs: readonly LayerChain[]): LayerChain {
  // -1 is scratch.
  return mount.input < 0n ? [] : (inputs[Number(mount.input)] ?? []);
}

function tmpfsSize({ TmpfsOpt }: Mount): number | undefined {
  return TmpfsOpt === undefined || TmpfsOpt.size === 0n ? undefined : Number(TmpfsOpt.size);
}

/** Links inside the tree are followed inside the tree: a bind mount by path would let the kernel follow them outside. */
async function resolveSelector(chain: LayerChain, selector: string, signal: AbortSignal): Promise<string> {
  if (selector === "" || selector === "/") return "";
  const tree = await Tree.open(chain, signal);
  const path = tree.resolve(selector, "follow");
  if (tree.lookup(path) === undefined) throw missingPart(selector);
  return path;
}

function missingPart(selector: string): OperationError {
  return new OperationError("missing-input", `failed to mount ${selector}: ${JSON.stringify(selector.startsWith("/") ? selector : `/${selector}`)}: not found`);
}
