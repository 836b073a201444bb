import type { ExecMount, ExecSecret, ExecSsh } from "../../../llb/exec-vertex.ts";
import { fileOutput } from "../../../llb/file-vertex.ts";
import type { Output } from "../../../llb/vertex.ts";
import { InstructionError } from "../dockerfile-error.ts";
import { baseName, cleanPath, joinPath } from "../dockerfile-paths.ts";
import { contextPath } from "../frontend-source.ts";
import { quote } from "../go-text.ts";
import type { RunInstruction } from "../instruction.ts";
import type { RunMount } from "../run-mount.ts";
import type { Conversion } from "./conversion.ts";
import type { Command, StageDraft } from "./stage-draft.ts";

export interface ConvertedMounts {
  readonly mounts: readonly ExecMount[];
  readonly secrets: readonly ExecSecret[];
  readonly sshSockets: readonly ExecSsh[];
}

const SECRET_MODE = 0o400;
const SSH_MODE = 0o600;
const CACHE_MODE = 0o755;
/** Where a cache's first directory is made, so that it can have an owner. */
const CACHE_DIRECTORY = "/cache";

/** Throws InstructionError. */
export function convertMounts({ mounts, location }: RunInstruction, stage: StageDraft, { sources }: Command, conversion: Conversion): ConvertedMounts {
  const converted = { mounts: [] as ExecMount[], secrets: [] as ExecSecret[], sshSockets: [] as ExecSsh[] };
  for (const [at, mount] of mounts.entries()) {
    const source = sources[at];
    const from = mountFrom(mount, source);
    if (mount.type === "secret") {
      const secret = convertSecret(mount);
      stage.parameters.addSecret({ name: secret.id, required: mount.required, location });
      converted.secrets.push(secret);
    } else if (mount.type === "ssh") {
      const socket = convertSsh(mount);
      stage.parameters.addSsh({ name: socket.id || "default", required: mount.required, location });
      converted.sshSockets.push(socket);
    } else {
      converted.mounts.push(convertTree(mount, from === undefined ? conversion.buildContext : from.state.output, stage, conversion));
      (from?.paths ?? stage.contextPaths).add(contextPath(mount.source));
    }
  }
  return converted;
}

/** The stage or image that the mount is of; undefined for the build context. A cache begins empty. */
function mountFrom(mount: RunMount, source: StageDraft | undefined): StageDraft | undefined {
  const from = mount.from === "" && mount.type === "cache" ? "scratch" : mount.from;
  if (from === "") return undefined;
  if (source?.isConverted !== true) {
    throw new InstructionError(`cannot mount from stage ${quote(from)} to ${quote(mount.target)}, stage needs to be defined before current command`);
  }
  return source;
}

function convertTree(mount: RunMount, tree: Output | undefined, stage: StageDraft, conversion: Conversion): ExecMount {
  const use = mountUse(mount, conversion);
  const target = mountTarget(mount, stage);
  const selector = contextPath(mount.source);
  const source = mount.type === "tmpfs" ? undefined : tree;
  if (selector !== "/") return { target, source, selector, use };
  if (mount.uid === undefined && mount.gid === undefined && mount.mode === undefined) return { target, source, selector: "", use };
  return { target, source: ownedDirectory(mount, source), selector: CACHE_DIRECTORY, use };
}

function mountUse(mount: RunMount, { options, capabilities }: Conversion): ExecMount["use"] {
  const readonly = mount.readOnly;
  switch (mount.type) {
    case "cache": {
      const id = `${options.cacheNamespace}/${mount.id === "" ? cleanPath(mount.target) : mount.id}`;
      return { kind: "cache", readonly, id, sharing: mount.sharing === "" ? "shared" : mount.sharing };
    }
    case "tmpfs":
      return { kind: "tmpfs", readonly, sizeBytes: mount.sizeLimitBytes };
    case "bind":
    case "secret":
    case "ssh":
      return { kind: "bind", readonly, hasOutput: !capabilities.has("exec.mount.bind.readwrite-nooutput") };
  }
}

function mountTarget({ target }: RunMount, { state }: StageDraft): string {
  const absolute = cleanPath(target).startsWith("/") ? target : joinPath("/", state.dir, target);
  if (absolute === "/") throw new InstructionError(`invalid mount target ${quote(absolute)}`);
  return absolute;
}

function ownedDirectory({ uid = 0, gid = 0, mode = CACHE_MODE }: RunMount, base: Output | undefined): Output {
  const owner = { user: { kind: "id", id: uid }, group: { kind: "id", id: gid } } as const;
  const change = { kind: "mkdir", path: CACHE_DIRECTORY, mode: mode & 0o777, makeParents: false, owner } as const;
  return fileOutput({ base, dir: "/", changes: [change] }, { description: { "llb.customname": "[internal] setting cache mount permissions" } });
}

function convertSecret(mount: RunMount): ExecSecret {
  const id = mount.source || mount.id || (mount.target === "" ? "" : baseName(mount.target));
  if (id === "") throw new InstructionError("one of source, target required");
  const target = mount.target === "" && mount.env === undefined ? `/run/secrets/${baseName(id)}` : mount.target;
  const { uid = 0, gid = 0, mode = SECRET_MODE } = mount;
  return { id, target: target === "" ? undefined : target, env: mount.env, uid, gid, mode, optional: !mount.required };
}

function convertSsh(mount: RunMount): ExecSsh {
  if (mount.source !== "") throw new InstructionError("ssh does not support source");
  const { id, target, uid = 0, gid = 0, mode = SSH_MODE } = mount;
  return { id, target, uid, gid, mode, optional: !mount.required };
}
