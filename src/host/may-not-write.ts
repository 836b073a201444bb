const NO_PLACE: ReadonlySet<string | undefined> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM"]);

/** True of the system's no for want of room or of a right, whatever else is well. */
export function mayNotWrite(error: unknown): boolean {
  return NO_PLACE.has((error as NodeJS.ErrnoException).code);
}
