import assert from "node:assert/strict";
import { test } from "node:test";
import { ArchiveError } from "../archive/archive-error.ts";
import type { Member } from "../archive/member.ts";
import { directory, file, hardLink, opaque, symlink, whiteout } from "../testing/layer-samples.ts";
import { EntryCollector } from "./entry-collector.ts";
import type { LayerIndex } from "./layer-index.ts";

function collect(...members: readonly Member[]): LayerIndex {
  const collector = new EntryCollector("archive");
  for (const [at, { entry }] of members.entries()) collector.add({ entry, offsetBytes: at, sha256: undefined });
  return collector.finish("tar", 0).index;
}

function names(...members: readonly Member[]): readonly string[] {
  return collect(...members).entries.map(({ kind, path, linkname }) => `${kind} ${path}${linkname === undefined ? "" : ` -> ${linkname}`}`);
}

test("what is in order stays as it is, each with its place in the archive", () => {
  const index = collect(directory("a"), file("a/b", "b"), hardLink("a/c", "a/b"));
  assert.deepEqual([index.offsets, index.impliesDirectories, index.hasWhiteouts, index.contentBytes], [[0, 1, 2], false, false, 1]);
});

test("what an archive says of the root is left out, as nobody who unpacks it makes anything of it", () => {
  assert.deepEqual(names(directory("", { mode: 0o700 }), file("f", "")), ["file f"]);
});

test("the last of several entries for a path wins, a directory in its first place", () => {
  const index = collect(directory("a", { mode: 0o700 }), file("a/f", "1"), file("a/f", "22"), directory("a", { mode: 0o755 }));
  assert.deepEqual(index.entries.map(({ path, mode, sizeBytes }) => [path, mode, sizeBytes]), [["a", 0o755, 0], ["a/f", 0o644, 2]]);
  assert.deepEqual(index.offsets, [3, 2]);
});

test("a file in the place of a directory takes all below it away, and the other way round", () => {
  assert.deepEqual(names(directory("a"), directory("a/b"), file("a/b/c", ""), whiteout("a/x"), file("a", "")), ["file a"]);
  assert.deepEqual(names(file("a", ""), directory("a"), file("a/b", "")), ["directory a", "file a/b"]);
});

test("parents come before children, wherever the archive has them", () => {
  const index = collect(file("a/b/f", ""), directory("a/b"), hardLink("h", "a/b/f"), directory("a"));
  assert.deepEqual(index.entries.map(({ path }) => path), ["a", "a/b", "a/b/f", "h"]);
  assert.equal(index.impliesDirectories, false);
});

test("what is said of a file's second name is so of the file, and of a symbolic link but its mode", () => {
  const [owned, one] = [{ uid: 2, gid: 3, mtimeNs: 5n, mode: 0o4750 }, { xattrs: new Map([["security.capability", Buffer.of(1)], ["user.a", Buffer.of(2)]]) }];
  const { entries } = collect(file("f", "f", one), hardLink("same", "f"), hardLink("last", "same", owned), symlink("s", "f"), hardLink("t", "s", owned), file("g", "", one), hardLink("h", "g", one));
  const told = entries.filter(({ kind }) => kind !== "hardlink").map(({ path, mode, uid, gid, mtimeNs, xattrs }) => [path, mode, uid, gid, mtimeNs, ...(xattrs?.keys() ?? [])]);
  assert.deepEqual(told.slice(0, 2), [["f", 0o4750, 2, 3, 5n, "user.a"], ["s", 0o777, 2, 3, 5n]]);
  assert.deepEqual(told[2]?.slice(5), ["security.capability", "user.a"]);
});

test("a second name that stands where something else was says it too", () => {
  const { entries } = collect(file("f", "f"), file("g", "g"), hardLink("g", "f", { mode: 0o600, uid: 5 }));
  assert.deepEqual(entries.map(({ path, mode, uid }) => [path, mode, uid]), [["f", 0o600, 5], ["g", 0o600, 5]]);
});

test("times that Go's tools cannot set are the beginning of time", () => {
  const { entries } = collect(...[-1n, 0n, 9_223_372_036_854_775_808n].map((mtimeNs, at) => file(`f${at}`, "", { mtimeNs })));
  assert.deepEqual(entries.map(({ mtimeNs }) => mtimeNs), [0n, 0n, 0n]);
});

test("a directory without an entry is remembered as such", () => {
  for (const member of [file("a/f", ""), whiteout("a/f"), opaque("a"), directory("a/b")]) assert.ok(collect(member).impliesDirectories, member.entry.kind);
  for (const member of [file("f", ""), whiteout("f"), opaque(""), directory("a")]) assert.ok(!collect(member).impliesDirectories, member.entry.kind);
});

test("a whiteout hides what is below, not what the same layer puts there", () => {
  assert.deepEqual(names(whiteout("f"), file("f", "")), ["file f"]);
  assert.deepEqual(names(file("f", ""), whiteout("f")), ["file f"]);
  assert.deepEqual(names(whiteout("d"), directory("d"), file("d/f", "")), ["directory d", "file d/f", "opaque d"]);
  assert.deepEqual(names(directory("d"), opaque("d"), whiteout("d")), ["directory d", "opaque d"]);
  assert.deepEqual(names(whiteout("d"), file("d/f", "")), ["file d/f", "opaque d"]);
  assert.ok(!collect(whiteout("f"), file("f", "")).hasWhiteouts);
});

test("names through a symbolic link of the layer go where it leads, and never out", () => {
  assert.deepEqual(names(directory("usr"), directory("usr/lib"), symlink("lib", "usr/lib"), file("lib/f", "")).at(-1), "file usr/lib/f");
  assert.deepEqual(names(directory("run"), directory("var"), symlink("var/run", "/run"), file("var/run/x/f", "")).at(-1), "file run/x/f");
  assert.deepEqual(names(symlink("up", "../../.."), file("up/f", "")).at(-1), "file f");
  assert.deepEqual(names(symlink("a", "b"), symlink("b", "c/../d"), file("a/f", "")).at(-1), "file d/f");
  assert.deepEqual(names(directory("d"), file("d/f", ""), symlink("l", "d"), hardLink("h", "l/f")).at(-1), "hardlink h -> d/f");
  assert.deepEqual(names(symlink("l", "d"), whiteout("l/f")).at(-1), "whiteout d/f");
});

test("refuses links in a circle, and files as directories", () => {
  for (const members of [
    [symlink("a", "b"), symlink("b", "a"), file("a/f", "")],
    [file("a", ""), file("a/f", "")],
    [file("a/f", ""), file("a", "")],
  ]) assert.throws(() => collect(...members), ArchiveError);
});
