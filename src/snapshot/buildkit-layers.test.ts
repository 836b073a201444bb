import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { decompress } from "../archive/decompress.ts";
import type { Member } from "../archive/member.ts";
import { readTar } from "../archive/tar-reader.ts";
import { writeTar } from "../archive/tar-writer.ts";
import type { DiffId } from "../content/digest.ts";
import type { ByteStream } from "../content/blob-store.ts";
import type { MountNamespace } from "../namespace/mount-namespace.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { openLayerStore } from "./disk-layer-store.ts";
import type { MountedTree } from "./layer-store.ts";

const conformance = process.env["STEMMA_CONFORMANCE"] ?? join(import.meta.dirname, "../../../shared/conformance");
const samples = join(conformance, "samples");
const skip = process.geteuid?.() !== 0 ? "needs root" : existsSync(join(samples, "rebuildable")) ? false : "no conformance data";
const signal = new AbortController().signal;
const EPOCH_NS = 1_700_000_000_000_000_000n;

/** The RUN steps of the sample, the first with the mount points that the runtime leaves. */
const STEPS = [
  "mkdir -p /d/x && echo 1 > /d/x/f && ln /d/x/f /d/hard && ln -s x/f /d/soft && chmod 4755 /d/x/f && mkfifo /d/fifo && mkdir /proc /sys",
  "rm /d/soft && echo 2 >> /d/x/f",
  "rm -rf /d && mkdir /d && echo 3 > /d/new",
  "touch -d @1893456000 /future && touch -d @915148800 /past && chown -R 7:8 /d",
];

test("the layers of commands are BuildKit's, byte for byte", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-buildkit-"));
  await using namespace = await openMountNamespace({ environment: process.env }, signal);
  await using store = await openLayerStore({ directory: scratch.path, snapshotter: "overlay", namespace: async () => namespace });
  const diffIds = expectedDiffIds();
  const chain = [await store.importTar(diffIds[0] as DiffId, decompress(busyboxLayer()), signal)];
  for (const [step, command] of STEPS.entries()) {
    await using tree = await store.mount(chain, "writable", signal);
    await run(namespace, tree, command);
    const layer = await tree.commit(signal);
    chain.push(layer);
    assert.equal(await digestOfStream(writeTar(clamped(store.exportTar(layer.id, signal)))), diffIds[step + 1], command);
  }
});

async function run(namespace: MountNamespace, tree: MountedTree, command: string): Promise<void> {
  const child = await namespace.spawn({ argv: ["chroot", tree.rootPath, "/bin/sh", "-c", command], cwd: "/", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, stdin: "none" }, signal);
  const [complaints] = await Promise.all([text(child.stderr), text(child.stdout)]);
  assert.equal(await child.exited, 0, complaints);
}

/** SOURCE_DATE_EPOCH with rewrite-timestamp. */
async function* clamped(tar: ByteStream): AsyncIterable<Member> {
  for await (const { entry, content } of readTar(tar)) {
    yield { entry: { ...entry, mtimeNs: entry.mtimeNs > EPOCH_NS ? EPOCH_NS : entry.mtimeNs }, content };
  }
}

async function digestOfStream(bytes: ByteStream): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of bytes) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

function expectedDiffIds(): readonly string[] {
  const config = readFileSync(join(samples, "rebuildable/91-run-changes/max-v1/registry/manifest0-amd64.config.json"), "utf8");
  return (JSON.parse(config) as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids;
}

function busyboxLayer(): ByteStream {
  const directory = join(samples, "bases/busybox");
  const blob = (digest: string): string => join(directory, "blobs", digest.replace(":", "/"));
  const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as { manifests: Array<{ digest: string }> };
  const manifest = JSON.parse(readFileSync(blob(index.manifests[0]?.digest ?? ""), "utf8")) as { layers: Array<{ digest: string }> };
  return createReadStream(blob(manifest.layers[0]?.digest ?? ""));
}
