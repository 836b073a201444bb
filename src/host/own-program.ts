import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Programs of ours that are started by their path, named by their place in `src/`. */
export type OwnProgram = "archive/compress-thread" | "host/directory-scout-thread" | "namespace/holder" | "snapshot/layer-thread" | "sandbox/network-relay" | "sandbox/tree-init" | "sandbox/chroot-init";

let preferred: string | undefined;

/** Beside its caller when run from source; in the bundle, NAME.js in the folder that everything is in. */
export function ownProgram(moduleUrl: string, name: OwnProgram): string {
  const folder = dirname(fileURLToPath(moduleUrl));
  const bundles = [folder, dirname(folder)].map((root) => join(root, `${name}.js`));
  const found = [...(preferred === undefined ? [] : [join(preferred, `${name}.js`)]), join(dirname(folder), `${name}.ts`), ...bundles].find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name}.js is missing near ${folder}: the installation is not complete`);
  return found;
}

/** For the run of all tests: what is loaded from source starts its programs out of a bundle of the same source, several times faster. Undefined: out of no other. */
export function preferProgramsOf(bundle: string | undefined): void {
  preferred = bundle;
}
