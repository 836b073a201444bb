import assert from "node:assert/strict";
import { test } from "node:test";
import { planResources } from "./plan-resources.ts";

const GOOD: ReadonlyArray<readonly [entries: readonly string[], attributes: Readonly<Record<string, string>>]> = [
  [["memory=64m", "memory-swap=1g"], { memory: "67108864", memswap: "1073741824" }],
  [["memory-swap=-1"], { memswap: "-1" }],
  [["cpu-shares=512", "cpu-period=100000", "cpu-quota=+50000"], { cpushares: "512", cpuperiod: "100000", cpuquota: "50000" }],
  [["cpuset-cpus=0-1,3", "cpuset-mems=0"], { cpusetcpus: "0-1,3", cpusetmems: "0" }],
  [[" memory = 1.5k "], { memory: "1536" }],
  [["memory=1m", "cpu-shares=5", "memory=2m"], { memory: "2097152", cpushares: "5" }],
  // Nothing is no limit, also where it takes back an earlier one.
  [["memory=1m", "memory=0", "memory-swap=0", "cpu-quota=-1", "cpu-shares=0", "cpuset-cpus="], {}],
];
for (const [entries, attributes] of GOOD) {
  test(`--resource ${entries.join(" ")} asks for ${JSON.stringify(attributes)}`, () => assert.deepEqual(Object.fromEntries(planResources(entries)), attributes));
}

const KEYS = ": use memory, memory-swap, cpu-shares, cpu-period, cpu-quota, cpuset-cpus, cpuset-mems";
const BAD: ReadonlyArray<readonly [entry: string, says: string]> = [
  ["memory", 'invalid resource "memory", expected key=value'],
  ["", 'invalid resource "", expected key=value'],
  ["cpus=2", `unknown resource "cpus"${KEYS}`],
  ["Memory=1", `unknown resource "Memory"${KEYS}`],
  ["=1", `unknown resource ""${KEYS}`],
  ["memory=x", 'invalid value "x" for resource memory: invalid size: \'x\': give a size such as 512m, or 0 for no limit'],
  ["memory=-1", 'invalid value "-1" for resource memory: invalid size: \'-1\': give a size such as 512m, or 0 for no limit'],
  ["memory=1q", 'invalid value "1q" for resource memory: invalid suffix: \'q\': give a size such as 512m, or 0 for no limit'],
  ["memory-swap=-2", 'invalid value "-2" for resource memory-swap: invalid size: \'-2\': give a size such as 1g, -1 for as much swap as there is, or 0 for no limit'],
  ["cpu-shares=many", 'invalid value "many" for resource cpu-shares: strconv.ParseInt: parsing "many": invalid syntax: give 2 to 262144, or 0 for no limit'],
  ["cpu-shares=1.5", 'invalid value "1.5" for resource cpu-shares: strconv.ParseInt: parsing "1.5": invalid syntax: give 2 to 262144, or 0 for no limit'],
  ["cpu-quota=", 'invalid value "" for resource cpu-quota: strconv.ParseInt: parsing "": invalid syntax: give at least 1000 microseconds, or 0 for no limit'],
  ["cpu-period=9223372036854775808", 'invalid value "9223372036854775808" for resource cpu-period: strconv.ParseInt: parsing "9223372036854775808": value out of range: give 1000 to 1000000 microseconds, or 0 for no limit'],
];
for (const [entry, says] of BAD) {
  test(`--resource ${JSON.stringify(entry)} is refused in buildx's words, and with what fits`, () => assert.throws(() => planResources([entry]), { name: "RequestError", code: "usage", message: says }));
}
