import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const NOBODY = 65_534;

/** Runs with the rights of nobody, and tells what it sees. */
const PROGRAM = `
import { openLayerStore } from "./disk-layer-store.ts";
import { removeTree } from "./remove-tree.ts";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { NamespaceError } from "../namespace/namespace-error.ts";
import { directory, file, members, textOf } from "../testing/layer-samples.ts";
import { readdirSync } from "node:fs";
const [directoryPath, snapshotter] = process.argv.slice(-2);
const signal = new AbortController().signal;
const namespace = await openMountNamespace({ environment: process.env }, signal).catch((error) => {
  if (!(error instanceof NamespaceError)) throw error;
  process.stdout.write("skip " + error.message);
  process.exit();
});
{
  await using store = await openLayerStore({ directory: directoryPath, snapshotter, namespace: async () => namespace });
  const base = await store.write(members(directory("d"), file("d/gone", "g", { uid: 5 }), file("d/grows", "1"), directory("closed", { mode: 0o555 }), file("closed/in", "")), signal);
  await using tree = await store.mount([base], "writable", signal);
  const script = "cd " + tree.rootPath + " && rm d/gone && echo 2 >> d/grows && rm -rf closed && mkdir closed && : > closed/new && chmod 555 closed";
  const child = await namespace.spawn({ argv: ["/bin/sh", "-c", script], cwd: "/", env: { PATH: "/usr/bin:/bin" } }, signal);
  child.stdout.resume();
  child.stderr.pipe(process.stderr);
  await child.exited;
  const layer = await tree.commit(signal);
  process.stdout.write(await textOf(layer));
  await using again = await store.mount([base, layer], "read-only", signal);
  process.stdout.write([...readdirSync(again.viewPath + "/d"), ...readdirSync(again.viewPath + "/closed")].join(" ") + "\\n");
}
process.stdout.write(readdirSync(directoryPath + "/incoming").length + " left\\n");
await namespace[Symbol.asyncDispose]();
await removeTree(directoryPath);
`;

for (const snapshotter of ["overlay", "copy"] as const) {
  test(`without any privilege trees are mounted and committed, by ${snapshotter}`, (context) => {
    if (process.geteuid?.() !== 0) return context.skip("needs root, to be nobody");
    if (!nobodyCanRead()) return context.skip("nobody cannot read this checkout");
    using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-rootless-"));
    chmodSync(scratch.path, 0o777);
    const argv = ["--input-type=module-typescript", "-e", PROGRAM, "--", join(scratch.path, "state"), snapshotter];
    const result = spawnSync(process.execPath, argv, { cwd: import.meta.dirname, uid: NOBODY, gid: NOBODY, encoding: "utf8", env: { PATH: process.env["PATH"] } });
    if (result.stdout.startsWith("skip ")) return context.skip(result.stdout.slice(5));
    assert.equal(result.stderr, "");
    assert.equal(result.stdout, [
      "directory 555 0:0 closed", "whiteout 0 0:0 closed/in", "file 644 0:0 0 closed/new",
      "directory 755 0:0 d", "whiteout 0 0:0 d/gone", "file 644 0:0 3 d/grows",
      "grows new", "0 left", "",
    ].join("\n"));
    return undefined;
  });
}

function nobodyCanRead(): boolean {
  const argv = ["-e", "require('node:fs').accessSync(process.argv[1])", import.meta.filename];
  return spawnSync(process.execPath, argv, { uid: NOBODY, gid: NOBODY, cwd: "/" }).status === 0;
}
