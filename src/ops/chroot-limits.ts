import { MountType, NetMode, SecurityMode, type ExecOp } from "../llb/op.ts";
import type { GroupRequest } from "../sandbox/control-group.ts";
import { OperationError } from "./operation-error.ts";

/** Throws OperationError for a step that asks for what a process without namespaces and mounts cannot have. */
export function requireWithoutNamespaces({ network, security, cdiDevices, mounts }: ExecOp, { group, isProxied }: { readonly group: GroupRequest | undefined; readonly isProxied: boolean }): void {
  const caches = mounts.flatMap(({ mountType, cacheOpt }) => (mountType === MountType.CACHE && cacheOpt !== undefined ? [cacheOpt.ID] : []));
  const asked: ReadonlyArray<readonly [what: string, is: boolean]> = [
    ["a network of its own (--network=none)", network === NetMode.NONE],
    ["a network of its own (--proxy-network)", isProxied],
    ["--security=insecure", security === SecurityMode.INSECURE],
    ["devices", cdiDevices.length > 0],
    ["limits of a control group (--resource, --cgroup-parent)", group !== undefined],
    ["a read-only root", mounts.some(({ dest, readonly }) => dest === "/" && readonly)],
    ["a tmpfs of a size (size=, --shm-size)", mounts.some(({ TmpfsOpt }) => (TmpfsOpt?.size ?? 0n) > 0n)],
    ["one cache at two places", new Set(caches).size < caches.length],
  ];
  const [what] = asked.find(([, is]) => is) ?? [];
  if (what !== undefined) throw new OperationError("unsupported", `a step asks for ${what}, which the chroot sandbox cannot give: it has neither namespaces nor mounts; build with another --sandbox`);
}
