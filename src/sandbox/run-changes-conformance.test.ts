import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { openSandbox } from "./open-sandbox.ts";
import type { RuntimeName } from "./runtime-choice.ts";

const SAMPLES = resolve(process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance", "samples");
const CASE = join(SAMPLES, "rebuildable/91-run-changes");
const signal = new AbortController().signal;

const skip = !existsSync(CASE) ? "the conformance data is not here" : process.getuid?.() !== 0 ? "needs root to make overlays with trusted attributes" : false;

for (const runtime of ["runc", "crun", "namespaces"] as const) {
  test(`the layers of sample 91 hold what BuildKit's hold (${runtime})`, { skip }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "stemma-changes-"));
    try {
      const uppers = await runSteps(runtime, folder, runLines());
      for (const [index, upper] of uppers.entries()) assert.deepEqual(listUpper(upper, [...uppers.slice(0, index), join(folder, "base")]), sampleLayer(index + 1), `layer ${index + 1}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Runs each script in an overlay on what came before; the results are the upper directories. */
async function runSteps(runtime: RuntimeName, folder: string, scripts: readonly string[]): Promise<readonly string[]> {
  await using namespace = await openMountNamespace({ environment: process.env }, signal);
  const sandbox = await openSandbox({ namespace, stateDirectory: join(folder, "state"), prefer: runtime, environment: process.env }, signal);
  const lowers = [extractBase(join(folder, "base"))];
  const uppers: string[] = [];
  for (const [index, script] of scripts.entries()) {
    const layer = await mountOverlay(namespace, join(folder, String(index)), lowers);
    const tree = { rootPath: layer.target, viewPath: namespace.viewPath(layer.target), commit: () => Promise.reject(new Error("not here")), [Symbol.asyncDispose]: () => Promise.resolve() };
    const step = { argv: ["/bin/sh", "-c", script] as const, env: [], cwd: "/", user: "", network: "host" as const, hostname: "", extraHosts: [], limits: [], group: undefined, mounts: [], devices: [], insecure: false, readOnlyRoot: false, input: undefined, onUsage: undefined, onOutput: () => undefined };
    assert.equal(await sandbox.run(step, tree, signal), 0);
    await namespace.unmount(layer.target);
    uppers.push(layer.upper);
    lowers.unshift(layer.upper);
  }
  return uppers;
}

async function mountOverlay(namespace: MountNamespace, root: string, lowers: readonly string[]): Promise<{ readonly target: string; readonly upper: string }> {
  const [upper, work, target] = ["upper", "work", "target"].map((name) => join(root, name)) as [string, string, string];
  for (const path of [upper, work, target]) mkdirSync(path, { recursive: true });
  await namespace.mount({ type: "overlay", source: "overlay", target, readOnly: false, data: `lowerdir=${lowers.join(":")},upperdir=${upper},workdir=${work}` }, signal);
  return { target, upper };
}

/** The one layer of the sample's base image. */
function extractBase(target: string): string {
  const blobs = join(SAMPLES, "bases/busybox/blobs/sha256");
  const parse = (name: string): { readonly layers?: ReadonlyArray<{ readonly digest: string }> } | undefined => {
    const bytes = readFileSync(join(blobs, name));
    return bytes[0] === 0x7b ? (JSON.parse(bytes.toString("utf8")) as { readonly layers?: ReadonlyArray<{ readonly digest: string }> }) : undefined;
  };
  const digest = readdirSync(blobs).map(parse).find((value) => value?.layers !== undefined)?.layers?.[0]?.digest ?? "";
  mkdirSync(target);
  execFileSync("tar", ["-xf", join(blobs, digest.replace("sha256:", "")), "-C", target]);
  return target;
}

function runLines(): readonly string[] {
  const dockerfile = execFileSync("tar", ["-xOf", join(CASE, "context.tar"), "./Dockerfile"], { encoding: "utf8" });
  return dockerfile.split("\n").filter((line) => line.startsWith("RUN ")).map((line) => line.slice("RUN ".length));
}

/**
 * `path mode uid:gid` of each entry. Left out is what is not the sandbox's to decide: files that were taken away, and
 * directories that overlayfs copied up for a mount point in them that is gone again.
 */
function listUpper(upper: string, lowers: readonly string[]): readonly string[] {
  return (readdirSync(upper, { recursive: true }) as string[]).flatMap((path) => {
    const stat = lstatSync(join(upper, path));
    const copied = stat.isDirectory() && readdirSync(join(upper, path)).length === 0 && lowers.some((lower) => {
      const below = lstatSync(join(lower, path), { throwIfNoEntry: false });
      return below?.mode === stat.mode && below.uid === stat.uid && below.gid === stat.gid;
    });
    if (stat.isCharacterDevice() || copied) return [];
    const link = stat.isSymbolicLink() ? ` -> ${readlinkSync(join(upper, path))}` : "";
    return [`${path}${link} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid}`];
  }).toSorted();
}

function sampleLayer(index: number): readonly string[] {
  const lines = readFileSync(join(CASE, `max-v1/registry/manifest0-amd64.layer${index}.tarlist.txt`), "utf8").split("\n").filter((line) => line !== "");
  return lines.filter((line) => !line.includes(".wh.")).map((line) => {
    const [, type = "", mode = "", owner = "", rest = ""] = /^(\S+) 0o(\d+) (\S+) \d+ mtime=\d+ (.*) pax=/.exec(line) ?? [];
    // A hard link is an entry like the other in a directory.
    return `${type === "1" ? (rest.split(" -> ")[0] ?? "") : rest} ${mode} ${owner}`;
  }).toSorted();
}
