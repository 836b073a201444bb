import { posix } from "node:path";
import { toLower } from "./go-text.ts";

/** A path that the system of the image cannot have. The message is BuildKit's. */
export class DockerfilePathError extends Error {
  override readonly name = "DockerfilePathError";
  readonly code = "invalid-path";

  get retryable(): boolean {
    return false;
  }
}

/** Go's `path.Clean`: the shortest equal path, "." for nothing. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}

/** Go's `path.Join`: cleaned, and without the parts that are empty. */
export function joinPath(...parts: readonly string[]): string {
  const given = parts.filter((part) => part !== "");
  return given.length === 0 ? "" : cleanPath(given.join("/"));
}

/** Go's `path.Base`. */
export function baseName(path: string): string {
  if (path === "") return ".";
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

export function toSlash(path: string, os: string): string {
  return os === "windows" ? path.replaceAll("\\", "/") : path;
}

/** True for a path that starts at the root of the image; a drive letter does not matter. */
export function isAbsolutePath(path: string, os: string): boolean {
  try {
    return toSlash(withoutDrive(path, os, false), os).startsWith("/");
  } catch (error) {
    if (error instanceof DockerfilePathError) return false;
    throw error;
  }
}

/**
 * The absolute path that `path` means in directory `parent`, with slashes and without a drive.
 * `keepSlash` keeps a trailing `/` or `/.`, which says "into this directory". Throws DockerfilePathError.
 */
export function absolutePath(parent: string, path: string, os: string, keepSlash: boolean): string {
  const given = toSlash(path, os);
  const base = drivelessParent(parent === "" ? "/" : toSlash(parent, os), os, keepSlash);
  const driveless = prefixed(() => withoutDrive(given === "" ? base : given, os, keepSlash));
  const absolute = isAbsolutePath(driveless, os) ? driveless : joinPath(base, driveless);
  return toSlash(keepSlash ? keepTrailing(given, absolute) : absolute, os);
}

function drivelessParent(parent: string, os: string, keepSlash: boolean): string {
  const driveless = prefixed(() => withoutDrive(parent, os, keepSlash));
  return isAbsolutePath(driveless, os) ? driveless : joinPath("/", driveless);
}

function prefixed(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof DockerfilePathError) throw new DockerfilePathError(`removing drive letter: ${error.message}`);
    throw error;
  }
}

function keepTrailing(given: string, path: string): string {
  if (given.endsWith("/")) return path.endsWith("/") ? path : `${path}/`;
  if (given.endsWith("/.")) return `${path === "/" ? "" : path}/.`;
  return path;
}

/** What WORKDIR makes of its argument, in the system's own form. Throws DockerfilePathError. */
export function workingDirectory(current: string, path: string, os: string): string {
  try {
    const absolute = absolutePath(current, path, os, false);
    return os === "windows" ? absolute.replaceAll("/", "\\") : absolute;
  } catch (error) {
    if (error instanceof DockerfilePathError) throw new DockerfilePathError(`normalizing working directory: ${error.message}`);
    throw error;
  }
}

/** On Windows, the path without `C:`; any other drive is an error. Elsewhere the path as it is. Throws DockerfilePathError. */
export function withoutDrive(path: string, os: string, keepSlash: boolean): string {
  if (os !== "windows") return path;
  if (path.length === 2 && path.endsWith(":")) throw new DockerfilePathError(`No relative path specified in ${JSON.stringify(path)}`);
  if (/^[\\/]{2}/.test(path)) throw new DockerfilePathError("UNC paths are not supported");
  const colon = path.indexOf(":");
  if (colon === -1) return cleanWindows(path, keepSlash);
  if (toLower(path.slice(0, colon)) !== "c") throw new DockerfilePathError("The specified path is not on the system drive (C:)");
  return cleanWindows(path.slice(colon + 1), keepSlash);
}

function cleanWindows(path: string, keepSlash: boolean): string {
  const given = path.replaceAll("\\", "/");
  const clean = cleanPath(given);
  return keepSlash && clean.length > 1 && given.endsWith("/") ? `${clean}/` : clean;
}
