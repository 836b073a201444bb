import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOwner } from "./owner.ts";

test("an owner is a name or a number, and so is a group", () => {
  assert.deepEqual(parseOwner("app:100"), { user: { kind: "name", name: "app" }, group: { kind: "id", id: 100 } });
});
