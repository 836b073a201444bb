import assert from "node:assert/strict";
import { test } from "node:test";
import { FileOpSchema, message, type MessageInitShape } from "../llb/op.ts";
import { fileOpSelectors } from "./file-selectors.ts";

type ActionInit = NonNullable<MessageInitShape<typeof FileOpSchema>["actions"]>[number];
type CopyInit = Extract<NonNullable<ActionInit["action"]>, { case: "copy" }>["value"];

function copy(value: CopyInit, secondaryInput = 1n): ActionInit {
  return { input: 0n, secondaryInput, output: 0n, action: { case: "copy", value } };
}

function selectedPaths(actions: readonly ActionInit[], inputCount: number): ReadonlyArray<readonly string[] | undefined> {
  return fileOpSelectors(message(FileOpSchema, { actions: [...actions] }), inputCount).map((selections) => selections?.map(({ path }) => path));
}

test("what is built upon counts by what made it, what is copied from by content", () => {
  assert.deepEqual(selectedPaths([copy({ src: "/b" }), copy({ src: "/a" })], 3), [undefined, ["/a", "/b"], undefined]);
  assert.deepEqual(selectedPaths([copy({ src: "/a" }, 0n)], 1), [undefined]);
  assert.deepEqual(selectedPaths([copy({ src: "/a" }, 5n)], 2), [undefined, undefined]);
});

test("a path below another of its kind adds nothing", () => {
  assert.deepEqual(selectedPaths([copy({ src: "/a" }), copy({ src: "/a/b" }), copy({ src: "/ab" })], 2)[1], ["/a", "/ab"]);
  assert.deepEqual(selectedPaths([copy({ src: "/a" }), copy({ src: "/a/b", followSymlink: true })], 2)[1], ["/a", "/a/b"]);
  assert.deepEqual(selectedPaths([copy({ src: "/" }), copy({ src: "/a/b" })], 2)[1], ["/"]);
});

test("patterns are kept as they are, and only real wildcards are taken for such", () => {
  const [, selections] = fileOpSelectors(message(FileOpSchema, { actions: [copy({ src: "/a*", allowWildcard: true }), copy({ src: "/b\\*", allowWildcard: true, excludePatterns: ["x"] })] }), 2);
  assert.deepEqual(selections?.map(({ path, wildcard, excludePatterns }) => [path, wildcard, excludePatterns]), [["/a*", true, []], ["/b\\*", false, ["x"]]]);
});

test("an owner by name makes the lists of accounts count", () => {
  const owner = { user: { user: { case: "byName", value: { name: "app", input: 2n } } }, group: { user: { case: "byName", value: { name: "staff", input: 2n } } } } as const;
  assert.deepEqual(selectedPaths([copy({ src: "/a", owner })], 3), [undefined, ["/a"], ["/etc/group", "/etc/passwd"]]);
});
