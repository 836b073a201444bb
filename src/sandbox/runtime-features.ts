import { runProcess } from "../host/process.ts";
import type { RuntimeExtras } from "./sandbox.ts";

/** What a runtime says of itself (OCI runtime specification, features-linux.md), as far as we ask. */
export interface RuntimeFeatures {
  readonly linux?: {
    readonly intelRdt?: { readonly enabled?: boolean; readonly schemata?: boolean; readonly monitoring?: boolean };
    readonly netDevices?: { readonly enabled?: boolean };
  };
}

/** Older ones have no such command, and newer ones leave out what they lack. */
export async function askFeatures(path: string, signal: AbortSignal): Promise<RuntimeFeatures> {
  const { exitCode, stdout } = await runProcess({ argv: [path, "features"], env: {} }, signal);
  if (exitCode !== 0) return {};
  try {
    const features: unknown = JSON.parse(stdout.toString("utf8"));
    return typeof features === "object" && features !== null ? features : {};
  } catch {
    return {};
  }
}

/** A runtime passes over what it does not know, and the step would run without what it has asked for. Pure. */
export function lackingExtras({ intelRdt, netDevices = [] }: RuntimeExtras, runtime: "runc" | "crun", { linux = {} }: RuntimeFeatures): ReadonlyArray<keyof RuntimeExtras> {
  const lacking: Array<keyof RuntimeExtras> = [];
  if (intelRdt !== undefined && !hasIntelRdt(intelRdt, runtime, linux.intelRdt)) lacking.push("intelRdt");
  if (netDevices.length > 0 && linux.netDevices?.enabled !== true) lacking.push("netDevices");
  return lacking;
}

/** runc has the oldest members of it for longer than it can tell. */
function hasIntelRdt({ schemata, enableMonitoring }: NonNullable<RuntimeExtras["intelRdt"]>, runtime: "runc" | "crun", told: NonNullable<RuntimeFeatures["linux"]>["intelRdt"]): boolean {
  if (runtime !== "runc" && told?.enabled !== true) return false;
  return (schemata === undefined || told?.schemata === true) && (enableMonitoring === undefined || told?.monitoring === true);
}
