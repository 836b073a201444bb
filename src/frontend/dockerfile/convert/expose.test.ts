import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../../testing/conformance.ts";
import { parsePorts } from "./expose.ts";

const tables = conformance<{
  readonly tables: ReadonlyArray<{ readonly func: string; readonly table: ReadonlyArray<{ readonly spec: string; readonly expError?: string; readonly expected?: readonly string[] }> }>;
}>("vectors/tbl_bk_frontend_dockerfile_dockerfile2llb.json");

test("the tables of BuildKit's own tests of ports hold", { skip: tables.skip }, () => {
  for (const { spec, expError, expected } of tables.read().tables.flatMap(({ table }) => table)) {
    if (expError === undefined) assert.deepEqual(parsePorts(spec), expected, spec);
    else assert.throws(() => parsePorts(spec), { message: expError }, spec);
  }
});

test("a range gives each of its ports", () => {
  assert.deepEqual(parsePorts("8000-8002/UDP"), ["8000/udp", "8001/udp", "8002/udp"]);
  assert.throws(() => parsePorts("2-1"), { message: "invalid containerPort: 2-1" });
  assert.throws(() => parsePorts("1-3:1-2"), { message: "invalid ranges specified for container and host Ports: 1-2 and 1-3" });
});
