import { inPrograms, mayBeProgram } from "../binary/programs.ts";
import type { Cataloger } from "../cataloger.ts";
import type { FoundPackage } from "../found-package.ts";
import { readGoBuildInfo } from "../go/build-info.ts";
import { parseGoModules, type GoModule, type GoModules } from "../go/modules.ts";
import { purlOf } from "../purl.ts";
import type { ScanFile } from "../scan-tree.ts";

/** The modules that programs of Go were made of, of the build information that is in each, and Go's own library. */
export const goProgram: Cataloger = {
  name: "go-program",
  wants: mayBeProgram,

  async find(files, context, signal) {
    return await inPrograms(files, async (file, elf) => {
      const info = await readGoBuildInfo(file, elf, signal);
      return info === undefined ? [] : packagesOf(file, info.goVersion, parseGoModules(info.modules));
    }, context, signal);
  },
};

function packagesOf(file: ScanFile, goVersion: string, modules: GoModules): FoundPackage[] {
  const standard = foundModule(file, { path: "stdlib", version: standardVersion(goVersion) });
  const needed = [standard, ...modules.dependencies.map((module) => foundModule(file, module))];
  if (modules.main === undefined) return needed;
  const { path } = modules.main;
  const main = {
    ...foundModule(file, { path, version: modules.main.version ?? commitOf(modules) }),
    ...(modules.mainPackage?.startsWith(`${path}/`) === true ? { subpath: modules.mainPackage.slice(path.length + 1) } : {}),
    files: [file.path],
    dependencies: [...new Set(needed.map(purlOf))],
  };
  return [main, ...needed];
}

/** The last part of a module's path is its name (purl-spec, type golang). */
function foundModule(file: ScanFile, { path, version }: GoModule): FoundPackage {
  const slash = path.lastIndexOf("/");
  return {
    type: "golang",
    namespace: slash < 0 ? undefined : path.slice(0, slash),
    name: path.slice(slash + 1),
    version,
    qualifiers: {},
    licenses: [],
    supplier: undefined,
    homepage: undefined,
    evidence: [file.path],
    broughtBy: file.path,
    files: [],
    dependencies: [],
  };
}

/** `go1.22.0 X:someexperiment` is 1.22.0, as Go's library is called where its faults are listed. A version between releases has a commit. */
function standardVersion(goVersion: string): string | undefined {
  return /(?:^|\s)go(\d\S*)/.exec(goVersion)?.[1];
}

/** Of a folder that was built, its commit; with changes that nobody committed it is marked as Go 1.24 and later mark it. */
function commitOf({ settings }: GoModules): string | undefined {
  const commit = settings.get("vcs.revision");
  return commit === undefined || settings.get("vcs.modified") !== "true" ? commit : `${commit}+dirty`;
}
