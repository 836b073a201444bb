import { NetMode, SecurityMode, type CDIDevice, type ExecOp } from "../llb/op.ts";
import type { CdiDevices } from "../sandbox/cdi-devices.ts";
import { NO_EDITS, type CdiEdits } from "../sandbox/cdi-spec.ts";
import { OperationError } from "./operation-error.ts";

/** What the caller lets the steps of a build do beyond what any step may: `--allow`, in BuildKit's words. */
export interface Entitlements {
  /** `network.host` */
  readonly networkHost: boolean;
  /** `security.insecure` */
  readonly securityInsecure: boolean;
  /** `device`: all of them. */
  readonly allDevices: boolean;
  /** `device=NAME`: name → empty; `device=NAME,alias=OTHER`: OTHER, as steps say it → NAME. */
  readonly devices: ReadonlyMap<string, string>;
}

export interface Grants {
  readonly allowed: Entitlements;
  /** Read when a step asks for one. */
  readonly devices: () => Promise<CdiDevices>;
  /** Of the group that those of steps are made in which name none; empty for the root. */
  readonly defaultCgroupParent: () => Promise<string>;
}

/** Throws OperationError in BuildKit's words, and before anything runs, for a step that asks for what was not allowed. */
export async function requireEntitled(op: ExecOp, grants: Grants): Promise<void> {
  const { allowed } = grants;
  if (op.network === NetMode.HOST && !allowed.networkHost) throw refused("network.host is not allowed", "network.host");
  if (op.security === SecurityMode.INSECURE && !allowed.securityInsecure) throw refused("security.insecure is not allowed", "security.insecure");
  await devicesOf(op, grants);
}

/** What its devices change of a step. Throws OperationError and SandboxError. */
export async function deviceEdits(op: ExecOp, grants: Grants): Promise<CdiEdits> {
  if (op.cdiDevices.length === 0) return NO_EDITS;
  return (await grants.devices()).edits(await devicesOf(op, grants));
}

/** Full names of the devices that a step gets. One that is optional and not registered is left out. Throws OperationError. */
async function devicesOf({ cdiDevices }: Pick<ExecOp, "cdiDevices">, { allowed, devices }: Grants): Promise<readonly string[]> {
  if (cdiDevices.length === 0) return [];
  const registered = await devices();
  const find = ({ name, optional }: Pick<CDIDevice, "name" | "optional">): readonly string[] => {
    const found = registered.find(name);
    if (found.length === 0 && !optional) throw new OperationError("missing-input", `failed to load LLB: required device ${JSON.stringify(name)} is not registered: describe it in a file of ${registered.directories.join(" or ")}`);
    return found;
  };
  const aliased = cdiDevices.flatMap(({ name, optional }) => {
    const real = allowed.devices.get(name) ?? "";
    return real === "" ? [] : [{ name: real, optional }];
  });
  const plain = cdiDevices.filter(({ name }) => (allowed.devices.get(name) ?? "") === "").flatMap(find);
  const granted = plain.length === 0 || allowed.allDevices ? [] : [...allowed.devices.keys()].flatMap((name) => registered.find(name));
  const forbidden = plain.filter((name) => !allowed.allDevices && !granted.includes(name) && !registered.isAutoAllowed(name));
  if (forbidden.length === 1) throw refused(`device ${forbidden[0]} is requested by the build but not allowed`, `device=${forbidden[0]}`);
  if (forbidden.length > 1) throw refused(`devices ${forbidden.join(", ")} are requested by the build but not allowed`, "device");
  return [...new Set([...aliased.flatMap(find), ...plain])];
}

function refused(reason: string, entitlement: string): OperationError {
  return new OperationError("unsupported", `failed to load LLB: ${reason}: if you trust this Dockerfile, allow it with --allow ${entitlement}`);
}
