import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSubordinateRange, unshareCommands } from "./unshare-command.ts";

const SETTING = { userId: 0, unsharePath: "/usr/bin/unshare", subordinateIds: false, nodePath: "/node", holderPath: "/holder.js" };

test("root takes a mount namespace without a user namespace first, and its own id alone last", () => {
  const commands = unshareCommands(SETTING);
  assert.deepEqual(commands.map((command) => [command.manyIds, command.argv.includes("--user")]), [[true, false], [false, true]]);
});

test("a user with subordinate ids takes them before its own id alone", () => {
  const commands = unshareCommands({ ...SETTING, userId: 1000, subordinateIds: true });
  assert.deepEqual(commands.map((command) => [command.manyIds, command.argv.includes("--map-auto")]), [[true, true], [false, false]]);
});

test("paths are arguments of the shell and never part of its script", () => {
  const [command] = unshareCommands({ ...SETTING, holderPath: "/a b/$(touch x)/holder.js" });
  assert.equal(command?.argv.at(-1), "/a b/$(touch x)/holder.js");
  assert.equal(command?.argv.filter((word) => word.includes("$(touch")).length, 1);
});

test("subordinate ranges are found by name and by number", () => {
  const user = { name: "ann", id: 1000 };
  assert.equal(hasSubordinateRange("bob:100000:65536\nann:165536:65536\n", user), true);
  assert.equal(hasSubordinateRange("1000:100000:65536\n", user), true);
  assert.equal(hasSubordinateRange("bob:100000:65536\nann:165536:0\n", user), false);
  assert.equal(hasSubordinateRange("", user), false);
});
