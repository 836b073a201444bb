import { build as bundle } from "esbuild";
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "../../../src/doors/build.ts";
import type { Workshop } from "../workshop.ts";

/** By the workshop's path: the files of the image, which two images with other labels have in common. */
const prepared = new Map<string, Promise<string>>();

/** An OCI layout with the test frontend: Node with the libraries that it needs, and the program in one file. */
export async function makeFrontendImage({ path, root, env }: Workshop, labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const files = prepared.get(path) ?? prepareFiles(path);
  prepared.set(path, files);
  const context = await files;
  const layout = join(path, `frontend-${Object.keys(labels).length}`);
  const lines = Object.entries(labels).map(([key, value]) => `LABEL ${key}=${value}\n`).join("");
  const dockerfile = { text: Buffer.from(`FROM scratch\nCOPY . /\n${lines}ENTRYPOINT ["/bin/node", "/program.mjs"]\n`) };
  await build({ context, dockerfile, root, env, provenance: "false", outputs: [`type=oci,tar=false,compression=uncompressed,dest=${layout},name=frontend:latest`] }).result;
  return layout;
}

async function prepareFiles(path: string): Promise<string> {
  const context = join(path, "frontend-files");
  await mkdir(join(context, "tmp"), { recursive: true });
  await writeFile(join(context, "tmp/.keep"), "");
  await copyInto(context, process.execPath, "bin/node");
  for (const library of librariesOf(process.execPath)) await copyInto(context, library, library);
  await bundle({ entryPoints: [join(import.meta.dirname, "program.ts")], outfile: join(context, "program.mjs"), bundle: true, platform: "node", format: "esm", target: "node24", logLevel: "error", banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' } });
  return context;
}

async function copyInto(context: string, from: string, to: string): Promise<void> {
  const target = join(context, to);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(from, target);
}

function librariesOf(program: string): readonly string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
