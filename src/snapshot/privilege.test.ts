import assert from "node:assert/strict";
import { test } from "node:test";
import { userWithIds } from "./privilege.ts";

test("an id on disk is the one that processes in the user namespace gave", () => {
  const privilege = userWithIds({ uid: "         0      65534          1\n         1     200000      65536\n", gid: "0 100 1\n" });
  assert.deepEqual([65_534, 200_000, 200_999, 265_535, 265_536, 0].map((id) => privilege.userInside(id)), [0, 1, 1000, 65_536, 265_536, 0]);
  assert.deepEqual([100, 101].map((id) => privilege.groupInside(id)), [0, 101]);
});
