import assert from "node:assert/strict";
import { test } from "node:test";
import { findPath, type PathFinding } from "./find-path.ts";
import type { LayerEntry, LayerTable } from "./layer-table.ts";

/** `dir/`, `file`, `link -> target`, `-gone` for a whiteout and `=dir` for an opaque marker. */
function layer(...rows: readonly string[]): LayerTable {
  const entry = (kind: LayerEntry["kind"], linkname?: string): LayerEntry => ({ kind, mode: 0o644, sizeBytes: 0, linkname });
  const entries = new Map<string, LayerEntry>();
  const whiteouts = new Set<string>();
  const opaques = new Set<string>();
  for (const row of rows) {
    const [path = "", target] = row.split(" -> ");
    if (row.startsWith("-")) whiteouts.add(row.slice(1));
    else if (row.startsWith("=")) opaques.add(row.slice(1));
    else if (target !== undefined) entries.set(path, entry("symlink", target));
    else if (row.endsWith("/")) entries.set(row.slice(0, -1), entry("directory"));
    else entries.set(row, entry("file"));
  }
  return { entries, whiteouts, opaques };
}

async function find(path: string, ...layers: readonly LayerTable[]): Promise<string> {
  const asked: number[] = [];
  const found: PathFinding = await findPath(path, layers.length, (index) => {
    asked.push(index);
    const table = layers[index];
    return table === undefined ? Promise.reject(new RangeError(String(index))) : Promise.resolve(table);
  });
  const links = found.followed.length === 0 ? "" : ` over ${found.followed.map((link) => link.path).join(" ")}`;
  return `${found.kind === "absent" ? "absent" : `${found.kind} in ${found.layer}`}: ${found.path}${links}; read ${asked.join(" ")}`;
}

test("takes the topmost layer that holds the path, and reads none below it", async () => {
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("a/", "a/x"), layer("b")), "found in 1: a/x; read 2 1");
  assert.equal(await find("a", layer("a/"), layer("a/x")), "found in 0: a; read 1 0");
  assert.equal(await find("c", layer("a"), layer("b")), "absent: c; read 1 0");
});

test("knows what whiteouts and opaque directories take away, and what comes back", async () => {
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("-a/x")), "hidden in 1: a/x; read 1");
  assert.equal(await find("a/x/y", layer("a/", "a/x/", "a/x/y"), layer("-a")), "hidden in 1: a/x/y; read 1");
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("=a", "a/")), "hidden in 1: a/x; read 1");
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("=a", "a/", "a/x")), "found in 1: a/x; read 1");
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("-a/x"), layer("a/", "a/x")), "found in 2: a/x; read 2");
  assert.equal(await find("x", layer("x"), layer("=")), "hidden in 1: x; read 1");
});

test("follows links among directories as a container would, and shows a link at the end", async () => {
  assert.equal(await find("bin/sh", layer("usr/", "usr/bin/", "usr/bin/sh", "bin -> usr/bin")), "found in 0: usr/bin/sh over bin; read 0 0");
  assert.equal(await find("bin/sh", layer("usr/bin/sh", "bin -> /usr/bin"), layer("usr/bin/sh")), "found in 1: usr/bin/sh over bin; read 1 0 1");
  assert.equal(await find("a/b/f", layer("a/b -> ../../../c", "c/f")), "found in 0: c/f over a/b; read 0 0");
  assert.equal(await find("l", layer("l -> f", "f")), "found in 0: l; read 0");
  assert.match(await find("a/x", layer("a -> b", "b -> a")), /^absent: /);
});

test("does not look through what an upper layer replaced", async () => {
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("a")), "hidden in 1: a/x; read 1");
  assert.equal(await find("a/x", layer("b/", "b/x", "a -> b"), layer("a/", "a/y")), "hidden in 0: a/x; read 1 0");
  assert.equal(await find("a/x", layer("a/", "a/x"), layer("b/", "a -> b")), "absent: b/x over a; read 1 1 0");
});
