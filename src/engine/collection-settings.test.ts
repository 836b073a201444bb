import assert from "node:assert/strict";
import { mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RegistryConfigError } from "../registry/registry-config.ts";
import type { CollectionPolicy } from "../upkeep/collection-policy.ts";
import { collectionPolicies } from "./collection-settings.ts";

const HOUR_MS = 3_600_000;
const NONE = { bytes: 0 };
const EMPTY: CollectionPolicy = { all: false, keepMs: 0, filters: [], reserved: NONE, maxUsed: NONE, minFree: NONE };

async function read(text: string): Promise<readonly CollectionPolicy[]> {
  using directory = mkdtempDisposableSync(join(tmpdir(), "stemma-collection-"));
  const path = join(directory.path, "stemma.toml");
  writeFileSync(path, text);
  return await collectionPolicies(path);
}

const policy = (keys: string): string => `[[worker.oci.gcpolicy]]\n${keys}`;

test("without a word of it in the settings, nothing is collected", async () => {
  assert.deepEqual(await collectionPolicies("/nowhere/stemma.toml"), []);
  for (const text of ["", "debug = true", "[worker.oci]\nenabled = true\nmax-parallelism = 4\n[worker.oci.labels]\na = 'b'", "[worker.containerd]\ngc = true\nmaxUsedSpace = 1", "[worker.oci]\ngc = false\nmaxUsedSpace = 1",
    `[worker.oci]\ngc = false\n${policy("all = true")}`]) assert.deepEqual(await read(text), [], text);
});

test("each form that BuildKit takes in a policy counts", async () => {
  const forms: ReadonlyArray<readonly [keys: string, said: Partial<CollectionPolicy>]> = [
    ["", {}],
    ["all = true", { all: true }],
    ["keepDuration = 172800", { keepMs: 48 * HOUR_MS }],
    ['keepDuration = "172800"', { keepMs: 48 * HOUR_MS }],
    ['keepDuration = "1h30m"', { keepMs: 1.5 * HOUR_MS }],
    ['keepDuration = ""', {}],
    ["reservedSpace = 512000000", { reserved: { bytes: 512_000_000 } }],
    ['maxUsedSpace = "512MB"', { maxUsed: { bytes: 512 * 2 ** 20 } }],
    ['maxUsedSpace = "1000"', { maxUsed: { bytes: 1000 } }],
    ['minFreeSpace = "10%"', { minFree: { percent: 10 } }],
    ['minFreeSpace = ""', {}],
    ["keepBytes = 7", { reserved: { bytes: 7 } }],
    ["keepBytes = 7\nreservedSpace = 8", { reserved: { bytes: 8 } }],
    ['filters = ["type==source.local", "type==exec.cachemount,description~=RUN"]', { filters: ["type==source.local", "type==exec.cachemount,description~=RUN"] }],
  ];
  for (const [keys, said] of forms) assert.deepEqual(await read(policy(keys)), [{ ...EMPTY, ...said }], keys);
});

test("policies come in the order of the file, and instead of bounds for the whole", async () => {
  assert.deepEqual(await read(`[worker.oci]\nmaxUsedSpace = 9\n${policy("keepDuration = 1")}\n${policy("all = true")}`), [{ ...EMPTY, keepMs: 1000 }, { ...EMPTY, all: true }]);
});

test("bounds for the whole make BuildKit's four policies", async () => {
  const bounds = { reserved: { percent: 10 }, maxUsed: { bytes: 5 }, minFree: NONE };
  const [first, ...rest] = await read('[worker.oci]\nreservedSpace = "10%"\nmaxUsedSpace = 5\ngckeepstorage = 77');
  assert.deepEqual([first?.keepMs, first?.maxUsed, first?.filters.length], [48 * HOUR_MS, { bytes: 512_000_000 }, 3]);
  assert.deepEqual(rest, [{ ...EMPTY, ...bounds, keepMs: 1440 * HOUR_MS }, { ...EMPTY, ...bounds }, { ...EMPTY, ...bounds, all: true }]);
  assert.deepEqual((await read("[worker.oci]\ngckeepstorage = 77")).at(-1), { ...EMPTY, all: true, reserved: { bytes: 77 } });
  assert.deepEqual((await read("[worker.oci]\ngc = true")).at(-1), { ...EMPTY, all: true, reserved: { percent: 10, maxBytes: 10e9 }, maxUsed: { percent: 80, maxBytes: 100e9 }, minFree: { percent: 20 } });
});

test("what cannot be is refused, with file and key", async () => {
  const cases: ReadonlyArray<readonly [text: string, words: string]> = [
    ["worker = 1", "worker is not a table"],
    ["[worker]\noci = 1", "worker.oci is not a table"],
    ["[worker.oci]\nmaxUsedSpce = 1", "worker.oci: unknown key maxUsedSpce"],
    ['[worker.oci]\ngc = "yes"', "worker.oci.gc is neither true nor false"],
    ['[worker.oci]\nmaxUsedSpace = "much"', 'worker.oci.maxUsedSpace: "much" is no size such as 512000000, "512MB" or "10%"'],
    ["[worker.oci]\nminFreeSpace = -1", "worker.oci.minFreeSpace: -1 is no size"],
    ["[worker.oci]\nreservedSpace = 1.5", "worker.oci.reservedSpace: 1.5 is no size"],
    ['[worker.oci]\nreservedSpace = "101%"', 'worker.oci.reservedSpace: "101%" is no size'],
    ["[worker.oci]\nreservedSpace = true", "worker.oci.reservedSpace: true is no size"],
    ['[worker.oci]\ngckeepstorage = "x"', 'worker.oci.gckeepstorage: "x" is no size'],
    ['[worker.oci]\ngc = false\nmaxUsedSpace = "x"', 'worker.oci.maxUsedSpace: "x" is no size'],
    ["[worker.oci]\ngcpolicy = 1", "worker.oci.gcpolicy is not a list of tables"],
    ["[worker.oci]\ngcpolicy = [1]", "worker.oci.gcpolicy[0] is not a table"],
    [`${policy("")}\n${policy("keep = 1")}`, "worker.oci.gcpolicy[1]: unknown key keep; there are all,"],
    [policy("all = 1"), "worker.oci.gcpolicy[0].all is neither true nor false"],
    [policy('keepDuration = "2 days"'), 'worker.oci.gcpolicy[0].keepDuration: "2 days" is no duration such as 172800 (seconds) or "48h"'],
    [policy("keepDuration = -1"), "worker.oci.gcpolicy[0].keepDuration: -1 is no duration"],
    [policy('keepBytes = "x"'), 'worker.oci.gcpolicy[0].keepBytes: "x" is no size'],
    [policy('filters = "type==regular"'), "worker.oci.gcpolicy[0].filters is not a list of texts"],
    [policy('filters = ["type==regular", "colour==red"]'), 'worker.oci.gcpolicy[0].filters: filter "colour==red": use '],
    [policy('filters = ["type==regular,"]'), 'worker.oci.gcpolicy[0].filters: filter "": use '],
    [policy('filters = ["until=24h"]'), 'worker.oci.gcpolicy[0].filters: filter "until=24h": use keepDuration'],
  ];
  for (const [text, words] of cases) {
    await assert.rejects(read(text), (error: unknown) => error instanceof RegistryConfigError && error.message.includes(`stemma.toml: ${words}`), text);
  }
});
