import { ArchiveError } from "./archive-error.ts";

/** Everything that cleaning would change: a leading, doubled or trailing slash, `.` and `..` components. */
const UNCLEAN = /^\/|\/\/|\/$|(?:^|\/)\.{1,2}(?:\/|$)/;

/**
 * A name as archives write it (`./a//b/`, `/a/b`) in the form of `Entry.path`.
 * Throws ArchiveError "unsafe-path" for names that lead out of the root.
 */
export function cleanPath(name: string): string {
  if (name.includes("\0")) throw new ArchiveError("unsafe-path", `${JSON.stringify(name)}: a name holds a zero byte`);
  if (!UNCLEAN.test(name)) return name;
  const kept: string[] = [];
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") kept.push(component);
    else if (kept.pop() === undefined) throw new ArchiveError("unsafe-path", `${JSON.stringify(name)}: leads out of the archive`);
  }
  return kept.join("/");
}

/** The directory that holds `path`; the root's own is "". */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The last component. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function joinPath(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
