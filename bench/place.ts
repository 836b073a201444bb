import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runProcess } from "../src/host/process.ts";

export type CommandLine = readonly [string, ...string[]];

/** A directory of one bench run, and the beginnings of the command lines of who takes part in it. */
export interface BenchPlace extends AsyncDisposable {
  readonly path: string;
  readonly stemma: CommandLine;
  /** Undefined: not on this machine. */
  readonly buildah: CommandLine | undefined;
  /** Undefined: BENCH_BUILDKIT and BENCH_BUILDX do not name them. */
  readonly buildkit: CommandLine | undefined;
  /** Standard output. Throws when the command fails. */
  readonly output: (argv: CommandLine, env?: Readonly<Record<string, string>>) => Promise<string>;
  /** Undefined where the program is not installed. */
  readonly find: (program: string) => string | undefined;
}

const BUNDLE = join(import.meta.dirname, "../bin/stemma.js");
const BUILDER = "bench";

export async function openPlace(): Promise<BenchPlace> {
  const path = await mkdtemp(join(tmpdir(), "stemma-bench-"));
  const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  const base = { PATH, HOME: path, XDG_DATA_HOME: join(path, "data"), BUILDAH_RUNTIME: "runc", BUILDX_CONFIG: join(path, "buildx") };
  const never = new AbortController().signal;
  const output = async (argv: CommandLine, env: Readonly<Record<string, string>> = {}): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProcess({ argv, cwd: path, env: { ...base, ...env } }, never);
    if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stderr.toString("utf8")}`);
    return stdout.toString("utf8");
  };
  const find = (program: string): string | undefined => PATH.split(delimiter).map((directory) => join(directory, program)).find((file) => existsSync(file));
  const buildah = find("buildah");
  return {
    path, output, find,
    stemma: [process.execPath, BUNDLE],
    buildah: buildah === undefined ? undefined : [buildah, "--root", join(path, "containers"), "--runroot", join(path, "containers-run")],
    buildkit: await openBuildkit(output),
    async [Symbol.asyncDispose]() {
      // containers/storage keeps its directory mounted on itself.
      if (buildah !== undefined) await runProcess({ argv: ["umount", "--lazy", join(path, "containers", "overlay")], env: base }, never);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** A builder of buildx that is a BuildKit which runs already. */
async function openBuildkit(output: BenchPlace["output"]): Promise<CommandLine | undefined> {
  const { BENCH_BUILDKIT: address, BENCH_BUILDX: buildx } = process.env;
  if (address === undefined || buildx === undefined) return undefined;
  await output([buildx, "create", "--name", BUILDER, "--driver", "remote", address]);
  return [buildx, "--builder", BUILDER];
}

/** A directory in the place, made. */
export async function directoryOf({ path }: BenchPlace, name: string): Promise<string> {
  await mkdir(join(path, name), { recursive: true });
  return join(path, name);
}
