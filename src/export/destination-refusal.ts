import { ExportError } from "./error.ts";
import type { ExportTarget } from "./target.ts";

/** What the system refused at the place where the output goes, told as that. Anything else stays as it is. */
export function destinationRefusal(error: unknown, target: ExportTarget): unknown {
  const place = placeOf(target);
  if (place === undefined || !(error instanceof Error) || !("path" in error) || typeof error.path !== "string") return error;
  const isThere = error.path.startsWith(place) || `${place}/`.startsWith(`${error.path.replace(/\/$/, "")}/`);
  return isThere ? new ExportError("destination", `output to ${place}: ${error.message}`, { cause: error }) : error;
}

/** Runs what writes to the output's place and nowhere else: a write that fails there has no path of its own. */
export async function writingTo(target: ExportTarget, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const isWrite = error instanceof Error && "syscall" in error && error.syscall === "write" && !("path" in error);
    const place = placeOf(target);
    if (!isWrite || place === undefined) throw error;
    throw new ExportError("destination", `output to ${place}: ${error.message}: make room there, or choose another place`, { cause: error });
  }
}

function placeOf(target: ExportTarget): string | undefined {
  if ("path" in target) return target.path;
  return "destination" in target && target.destination.kind === "path" ? target.destination.path : undefined;
}
