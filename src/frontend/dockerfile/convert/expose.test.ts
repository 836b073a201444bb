import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePorts } from "./expose.ts";

test("a range gives each of its ports", () => {
  assert.deepEqual(parsePorts("8000-8002/UDP"), ["8000/udp", "8001/udp", "8002/udp"]);
  assert.throws(() => parsePorts("2-1"), { message: "invalid containerPort: 2-1" });
  assert.throws(() => parsePorts("1-3:1-2"), { message: "invalid ranges specified for container and host Ports: 1-2 and 1-3" });
});
