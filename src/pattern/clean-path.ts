import { posix } from "node:path";

/** The shortest path equal to `path`, as Go's `path.Clean`: no trailing slash, and "." for nothing at all. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
