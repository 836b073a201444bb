import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build, type BuildEvent, type BuildOutcome, type BuildRequest } from "../../src/doors/build.ts";

const BUSYBOX = "/bin/busybox";

/** For node:test: the reason to skip, or false where this machine can run a RUN on a busybox of its own. */
export const runSkip: string | false =
  process.platform !== "linux" ? "a RUN needs Linux"
  : !existsSync(BUSYBOX) ? "busybox-static is not installed"
  : spawnSync("ldd", [BUSYBOX]).status === 0 ? "busybox is not static"
  : spawnSync("unshare", process.getuid?.() === 0 ? ["--mount", "true"] : ["--user", "--map-root-user", "--mount", "true"]).status !== 0 ? "this machine gives no mount namespace"
  : false;

/** What a test's build can say beside its Dockerfile. */
export interface WorkshopBuild extends Partial<Omit<BuildRequest, "root">> {
  /** Path → content of the context's files. Not together with `context`. */
  readonly files?: Files;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Built {
  readonly outcome: BuildOutcome;
  readonly events: readonly BuildEvent[];
  /** All that the steps printed, as one text. */
  readonly output: string;
  /** Names of the steps that were run. */
  readonly ran: readonly string[];
  /** Names of the steps that a cache answered for. */
  readonly cached: readonly string[];
}

/** Builds in this process over one state root, with `base` as the name of a small busybox. Gone at the end. */
export interface Workshop extends AsyncDisposable {
  readonly path: string;
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  /** The OCI layout of the base; empty where `runSkip` says why there is none. */
  readonly base: string;
  /** A new directory with these files. */
  directory(files: Files): Promise<string>;
  /** The request that `build` would make. */
  request(dockerfile: string, options?: WorkshopBuild): Promise<BuildRequest>;
  build(dockerfile: string, options?: WorkshopBuild): Promise<Built>;
  /** Builds, and lists the result's files: `-rw-r--r-- 0/0 path`, directories and base left out. */
  tree(dockerfile: string, options?: WorkshopBuild): Promise<Tree>;
}

export interface Tree extends Built {
  readonly lines: readonly string[];
  readonly text: (path: string) => string;
}

/** Another one's base may do for it as well: to make one takes as long as a small build. */
export async function openWorkshop(baseOfAnother?: string): Promise<Workshop> {
  const path = mkdtempSync(join(tmpdir(), "stemma-workshop-"));
  const root = join(path, "state");
  const env = { PATH: process.env["PATH"] ?? "", HOME: path };
  const directory = async (files: Files): Promise<string> => {
    const parent = await mkdtemp(join(path, "files-"));
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(parent, name)), { recursive: true });
      await writeFile(join(parent, name), content);
    }
    return parent;
  };
  // Of a test that took too long, a build may still go on: it would keep the file from its end.
  const closed = new AbortController();
  const base = runSkip === false ? (baseOfAnother ?? (await makeBase(path, { root, env }))) : undefined;
  const request = async (dockerfile: string, { files, buildContexts, ...rest }: WorkshopBuild = {}): Promise<BuildRequest> => ({
    context: rest.context ?? (await directory(files ?? {})),
    dockerfile: { text: Buffer.from(dockerfile) },
    buildContexts: { ...(base === undefined ? {} : { base: `oci-layout://${base}` }), ...buildContexts },
    env,
    signal: closed.signal,
    ...rest,
    root,
  });
  const run = async (dockerfile: string, options?: WorkshopBuild): Promise<Built> => await finished(await request(dockerfile, options));
  return {
    path, root, env, directory, request, build: run,
    base: base ?? "",
    async tree(dockerfile, options) {
      const tar = join(await mkdtemp(join(path, "tree-")), "tree.tar");
      const built = await run(dockerfile, { ...options, outputs: [`type=tar,dest=${tar}`] });
      return { ...built, lines: listing(tar), text: (name) => runTar(["-xOf", tar, name]) };
    },
    async [Symbol.asyncDispose]() {
      closed.abort(new Error("the workshop is closed"));
      rmSync(path, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Runs a build to its end. Rejects as its result does, with what was printed until then in `cause`'s place untouched. */
export async function finished(request: BuildRequest): Promise<Built> {
  const run = build(request);
  const events = await Array.fromAsync(run.events);
  const outcome = await run.result;
  const names = new Map(events.flatMap((event) => (event.kind === "step-started" || event.kind === "step-cached" ? [[event.step, event.name] as const] : [])));
  const named = (kind: "step-finished" | "step-cached"): string[] => [...new Set(events.flatMap((event) => (event.kind === kind ? [event.step] : [])))].map((step) => names.get(step) ?? "");
  return { outcome, events, output: outputOf(events), ran: named("step-finished"), cached: named("step-cached") };
}

export function outputOf(events: readonly BuildEvent[]): string {
  return Buffer.concat(events.flatMap((event) => (event.kind === "step-output" ? [event.bytes] : []))).toString("utf8");
}

/** A busybox with a name for each of its commands, built by ourselves into an OCI layout. */
async function makeBase(path: string, { root, env }: Pick<BuildRequest, "root" | "env">): Promise<string> {
  const context = join(path, "busybox");
  const layout = join(path, "base");
  await mkdir(join(context, "bin"), { recursive: true });
  await copyFile(BUSYBOX, join(context, "bin/busybox"));
  const { stdout } = spawnSync(BUSYBOX, ["--list"], { encoding: "utf8" });
  for (const name of stdout.split("\n")) if (name !== "" && name !== "busybox") await symlink("busybox", join(context, "bin", name));
  await mkdir(join(context, "etc"));
  await writeFile(join(context, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\n");
  await writeFile(join(context, "etc/group"), "root:x:0:\napp:x:1001:\n");
  const dockerfile = { text: Buffer.from("FROM scratch\nCOPY . /\nENV PATH=/bin\n") };
  await build({ context, dockerfile, root, env, provenance: "false", outputs: [`type=oci,tar=false,dest=${layout},name=base:latest`] }).result;
  return layout;
}

/** Sorted; times and sizes left out, and what the base brings. */
function listing(tar: string): string[] {
  const lines = runTar(["--numeric-owner", "-tvf", tar]).split("\n").filter((line) => line !== "");
  const short = lines.map((line) => line.replace(/^(\S+) +(\S+) +[\d,]+ \S+ \S+ /, "$1 $2 "));
  const isOfBase = (line: string): boolean => /^\S+ \S+ (?:\.\/)?(?:bin\/|etc\/(?:passwd|group)?$)/.test(line) || /^\S+ \S+ \.?\/?$/.test(line);
  return short.filter((line) => !isOfBase(line)).toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(line: string): string {
  return line.split(" ").slice(2).join(" ");
}

function runTar(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("tar", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`tar ${args.join(" ")}: ${stderr}`);
  return stdout;
}
