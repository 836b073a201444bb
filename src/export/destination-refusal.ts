import { ExportError } from "./error.ts";
import type { ExportTarget } from "./target.ts";

/** What the system refused at the place where the output goes, told as that. Anything else stays as it is. */
export function destinationRefusal(error: unknown, target: ExportTarget): unknown {
  const place = placeOf(target);
  if (place === undefined || !(error instanceof Error) || !("path" in error) || typeof error.path !== "string") return error;
  const isThere = error.path.startsWith(place) || `${place}/`.startsWith(`${error.path.replace(/\/$/, "")}/`);
  return isThere ? new ExportError("destination", `output to ${place}: ${error.message}`, { cause: error }) : error;
}

function placeOf(target: ExportTarget): string | undefined {
  if ("path" in target) return target.path;
  return "destination" in target && target.destination.kind === "path" ? target.destination.path : undefined;
}
