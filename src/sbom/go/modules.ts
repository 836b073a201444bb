import { DamagedFileError } from "../read-file.ts";

/** A module as a program has it: what replaced it counts. */
export interface GoModule {
  readonly path: string;
  /** `v1.2.3`; undefined for what was built from a folder, whose version nothing tells. */
  readonly version: string | undefined;
}

export interface GoModules {
  /** Import path of the main package; undefined where it has none (`command-line-arguments`). */
  readonly mainPackage: string | undefined;
  readonly main: GoModule | undefined;
  readonly dependencies: readonly GoModule[];
  /** `GOOS`, `vcs.revision`, …. */
  readonly settings: ReadonlyMap<string, string>;
}

/** What Go writes for the version of a module that lies in a folder. */
const FOLDER_VERSION = "(devel)";

/** The module information of a program (runtime/debug, `ParseBuildInfo`). Throws DamagedFileError. */
export function parseGoModules(text: string): GoModules {
  let mainPackage: string | undefined;
  const settings = new Map<string, string>();
  const modules: Array<{ readonly isMain: boolean; module: GoModule }> = [];
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [keyword = "", ...fields] = line.split("\t");
    if (keyword === "path") mainPackage = fields[0];
    if (keyword === "build") addSetting(settings, fields.join("\t"));
    if (keyword === "mod" || keyword === "dep") modules.push({ isMain: keyword === "mod", module: moduleOf(fields) });
    if (keyword === "=>") replaceLast(modules, moduleOf(fields));
  }
  return {
    mainPackage: mainPackage === "command-line-arguments" ? undefined : mainPackage,
    main: modules.find(({ isMain }) => isMain)?.module,
    dependencies: modules.filter(({ isMain }) => !isMain).map(({ module }) => module),
    settings,
  };
}

function moduleOf([path = "", version = ""]: readonly string[]): GoModule {
  if (path === "") throw new DamagedFileError("module information of Go with a module that has no path");
  return { path, version: version === "" || version === FOLDER_VERSION ? undefined : version };
}

function replaceLast(modules: Array<{ module: GoModule }>, replacement: GoModule): void {
  const last = modules.at(-1);
  if (last === undefined) throw new DamagedFileError("module information of Go that replaces nothing");
  // A folder has a path of the machine that built the program; the module is still what it is called.
  const isFolder = /^(?:\.{0,2}\/|[A-Za-z]:)/.test(replacement.path);
  last.module = isFolder ? { path: last.module.path, version: undefined } : replacement;
}

/** `key=value`, either of them quoted as in Go's source where it must be. */
function addSetting(settings: Map<string, string>, text: string): void {
  const [, quotedKey, key, quotedValue, value] = /^(?:"((?:[^"\\]|\\.)*)"|([^=]*))=(?:"((?:[^"\\]|\\.)*)"|(.*))$/s.exec(text) ?? [];
  const name = quotedKey ?? key;
  if (name !== undefined) settings.set(name, quotedValue ?? value ?? "");
}
