import { readIgnoreFile } from "../../pattern/ignore-file.ts";
import { PatternMatcher } from "../../pattern/pattern-matcher.ts";

/** The files that the build will see; those that the ignore file leaves out are not there. Paths are relative, with `/`. */
export interface ContextFiles {
  /** Undefined where there is no such file. */
  read(path: string): string | undefined;
  /** Whether the ignore file leaves the path out, be it there or not. */
  ignores(path: string): boolean;
}

/** `readFile` reads a file of the context's directory; undefined where there is none. Throws IgnoreFileError, PatternError. */
export function contextFiles(readFile: (path: string) => string | undefined, ignoreFile: string | undefined): ContextFiles {
  const matcher = new PatternMatcher(readIgnoreFile(ignoreFile ?? ""));
  const ignores = (path: string): boolean => matcher.matchesOrParentMatches(path);
  return { ignores, read: (path) => (ignores(path) ? undefined : readFile(path)) };
}
