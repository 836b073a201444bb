/** Makes what `npm pack` ships: bundled JavaScript in dist/, with types. */
import { build } from "esbuild";
import { rmSync, globSync } from "node:fs";
import { spawnSync } from "node:child_process";

const DEPENDENCIES_LEFT_OUT = ["koffi"];

export async function bundle(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  await build({
    entryPoints: [...globSync("src/doors/*.ts").filter((file) => !file.endsWith(".test.ts")), "src/cli/main.ts", "src/namespace/holder.ts", "src/sandbox/tree-init.ts"],
    outbase: "src",
    outdir: directory,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    external: DEPENDENCIES_LEFT_OUT,
    sourcemap: false,
    chunkNames: "chunks/[name]-[hash]",
    // CommonJS packages inside the bundle ask for `require`.
    banner: { js: `import { createRequire as stemmaCreateRequire } from "node:module"; const require = stemmaCreateRequire(import.meta.url);` },
    logLevel: "warning",
  });
  const types = spawnSync("tsc", ["-p", "tsconfig.types.json", "--outDir", `${directory}/types`], { stdio: "inherit" });
  if (types.status !== 0) throw new Error("tsc did not write the types");
}

if (import.meta.main) await bundle("dist");
