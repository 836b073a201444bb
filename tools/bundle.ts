/** Makes what `npm pack` ships: bundled JavaScript in dist/, with types, and the notices of what is bundled. */
import { build, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { pruneDeclarations } from "./declarations.ts";
import { thirdPartyNotices } from "./notices.ts";

const ROOT: string = join(import.meta.dirname, "..");

/** Programs that others of ours start by their path: each a file of its own, and a whole one, since to load pieces of it takes a tenth of its start. */
const PROGRAMS = ["src/archive/compress-thread.ts", "src/host/directory-scout-thread.ts", "src/namespace/holder.ts", "src/snapshot/layer-thread.ts", "src/sandbox/network-relay.ts", "src/sandbox/tree-init.ts", "src/sandbox/chroot-init.ts"];

/** `directory` is emptied first. Throws when a source is missing or, unless they were `checked` before, a type does not hold. */
export async function bundle(directory: string, types?: "checked"): Promise<void> {
  const output = resolve(directory);
  rmSync(output, { recursive: true, force: true });
  const { inputs } = await bundleCode(output);
  writeFileSync(join(output, "THIRD-PARTY-NOTICES.txt"), thirdPartyNotices(ROOT, Object.keys(inputs)));
  // Of sources whose exports say their types, nothing is inferred: most of tsc's time goes into what it checks.
  writeTypes(join(output, "types"), types === "checked" ? ["--noCheck"] : []);
}

/** What of it runs. */
export async function bundleCode(output: string): Promise<Metafile> {
  const doors = globSync("src/doors/*.ts", { cwd: ROOT }).filter((file) => !file.endsWith(".test.ts"));
  const [{ metafile }, { metafile: ofPrograms }] = await Promise.all([
    build({ ...options(output), entryPoints: [...doors, "src/cli/main.ts"] }),
    build({ ...options(output), entryPoints: PROGRAMS, splitting: false }),
  ]);
  for (const bundled of [metafile, ofPrograms]) refuseCommonJs(bundled);
  // The command that is started most, once more and on its own: what nobody else takes a part of lies in a few files, not in a hundred, whose loading takes longer than their code.
  await build({ ...options(output), entryPoints: [{ in: "src/cli/main.ts", out: "cli/main-build" }], plugins: [WITHOUT_OTHER_COMMANDS] });
  for (const file of globSync("**/*.js", { cwd: output })) escapeWide(join(output, file));
  return { inputs: { ...ofPrograms.inputs, ...metafile.inputs }, outputs: { ...ofPrograms.outputs, ...metafile.outputs } };
}

/** One wide character has V8 keep a whole file in twice the room, and Node decode it in ten times the time. What is left of them stands in comments and regular expressions. */
function escapeWide(path: string): void {
  const text = readFileSync(path, "utf8");
  const escaped = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  if (escaped !== text) writeFileSync(path, escaped);
}

/** Whoever starts the command takes the other bundle for them. */
const WITHOUT_OTHER_COMMANDS: Plugin = {
  name: "without-other-commands",
  setup(bundling) {
    bundling.onResolve({ filter: /^[.]/ }, ({ kind, importer, path }) => (kind === "dynamic-import" && importer.endsWith("/cli/commands.ts") && path !== "./build.ts" ? { path, external: true } : undefined));
  },
};

function options(output: string): BuildOptions & { readonly metafile: true } {
  return {
    absWorkingDir: ROOT,
    outbase: "src",
    outdir: output,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // What npm installs beside us: it brings a native part for each machine.
    external: Object.keys(manifest().dependencies),
    // The protobuf library would read it of a process whose environment is not ours to read.
    define: { "process.env.BUF_BIGINT_DISABLE": "undefined" },
    // In the notices instead, once.
    legalComments: "none",
    chunkNames: "chunks/[name]-[hash]",
    metafile: true,
    logLevel: "warning",
  };
}

/** Would ask for a `require` that modules do not have. */
function refuseCommonJs({ inputs }: Metafile): void {
  const files = Object.entries(inputs).filter(([, { format }]) => format === "cjs").map(([file]) => file);
  if (files.length > 0) throw new Error(`CommonJS cannot be bundled as it is: ${files.join(", ")}`);
}

function writeTypes(directory: string, flags: readonly string[]): void {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { status } = spawnSync(tsc, ["-p", join(ROOT, "tsconfig.types.json"), "--outDir", directory, ...flags], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("tsc did not write the types");
  pruneDeclarations(directory, globSync("doors/*.d.ts", { cwd: directory }));
}

function manifest(): { readonly dependencies: Readonly<Record<string, string>> } {
  // Ours: its shape is known.
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly dependencies: Readonly<Record<string, string>> };
}

if (import.meta.main) await bundle(join(ROOT, "dist"));
