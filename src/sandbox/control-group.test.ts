import assert from "node:assert/strict";
import { test } from "node:test";
import { groupFlags, groupParent, groupProblem, type GroupGround, type GroupLimits } from "./control-group.ts";

const NONE: GroupLimits = { memory: 0n, memorySwap: 0n, cpuShares: 0n, cpuPeriod: 0n, cpuQuota: 0n, cpusetCpus: "", cpusetMems: "" };
const GROUND: GroupGround = { controllers: new Set(["cpu", "cpuset", "memory"]), countsSwap: true, cpus: "0-3,6", mems: "0", busy: undefined };
const WITHOUT: GroupGround = { ...GROUND, controllers: new Set(["pids"]) };

const CASES: ReadonlyArray<readonly [what: string, limits: Partial<GroupLimits>, ground: GroupGround, says: RegExp | undefined]> = [
  ["nothing at all", {}, WITHOUT, undefined],
  ["all of it", { memory: 1n, memorySwap: 1n, cpuShares: 2n, cpuPeriod: 1000n, cpuQuota: 1000n, cpusetCpus: "1-2,6", cpusetMems: "0" }, GROUND, undefined],
  ["swap without end", { memorySwap: -1n }, GROUND, undefined],
  ["memory where nothing holds it", { memory: 1n }, WITHOUT, /^--resource memory needs the memory controller, which \/sys\/fs\/cgroup does not have here: .* leave the limit out$/],
  ["swap where nothing holds it", { memorySwap: -1n }, WITHOUT, /^--resource memory-swap needs the memory controller/],
  ["a quota where nothing holds it", { cpuQuota: 5000n }, WITHOUT, /^--resource cpu-quota needs the cpu controller/],
  ["processors where nothing holds them", { cpusetCpus: "0" }, WITHOUT, /^--resource cpuset-cpus needs the cpuset controller/],
  ["swap that is not counted", { memory: 1n, memorySwap: 2n }, { ...GROUND, countsSwap: false }, /does not count swap: boot it with swapaccount=1/],
  ["swap alone", { memorySwap: 5n }, GROUND, /^--resource memory-swap=5 is memory and swap together: give --resource memory too$/],
  ["less swap than memory", { memory: 6n, memorySwap: 5n }, GROUND, /^--resource memory-swap=5 is memory and swap together: give at least memory's 6$/],
  ["a share of one", { cpuShares: 1n }, GROUND, /^--resource cpu-shares=1: give 2 to 262144$/],
  ["too large a share", { cpuShares: 262145n }, GROUND, /^--resource cpu-shares=262145: give 2 to 262144$/],
  ["too short a period", { cpuPeriod: 999n }, GROUND, /^--resource cpu-period=999: give 1000 to 1000000 microseconds$/],
  ["too long a period", { cpuPeriod: 1_000_001n }, GROUND, /^--resource cpu-period=1000001: give/],
  ["too small a quota", { cpuQuota: 999n }, GROUND, /^--resource cpu-quota=999: give at least 1000 microseconds$/],
  ["a processor that is not there", { cpusetCpus: "0-4" }, GROUND, /^--resource cpuset-cpus=0-4: this machine has 0-3,6$/],
  ["a node that is not there", { cpusetMems: "1" }, GROUND, /^--resource cpuset-mems=1: this machine has 0$/],
];
for (const [what, limits, ground, says] of CASES) {
  test(`${what} is ${says === undefined ? "held" : "refused"}`, () => {
    const problem = groupProblem({ parent: "", namedBy: "--cgroup-parent", limits: { ...NONE, ...limits } }, ground);
    if (says === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? "", says);
  });
}

test("a parent that has processes of its own, and a unit of systemd, are refused", () => {
  const inBusy = (parent: string, busy: string): string => groupProblem({ parent, namedBy: "--cgroup-parent", limits: { ...NONE, memory: 1n } }, { ...GROUND, busy }) ?? "";
  assert.match(inBusy("/busy/", "/busy"), /^--cgroup-parent \/busy\/ has processes of its own/);
  assert.match(inBusy("busy/in", "/busy"), /^--cgroup-parent busy\/in: \/busy has processes of its own/);
  assert.match(inBusy("", "/"), /^--resource memory: the root of the control groups in this container has processes of its own/);
  assert.match(groupProblem({ parent: "a-b.slice:docker:", namedBy: "--cgroup-parent", limits: undefined }, GROUND) ?? "", /such as \/a-b\.slice$/);
  assert.equal(groupProblem({ parent: "/a.slice", namedBy: "--cgroup-parent", limits: undefined }, GROUND), undefined);
});

test("a parent is a path below the root, however it is written", () => {
  for (const [parent, path] of [["a/b", "/a/b"], ["/a/b/", "/a/b"], ["../../a", "/a"], ["/", "/"], [".", "/"]] as const) assert.equal(groupParent({ parent, namedBy: "--cgroup-parent", limits: undefined }), path);
});

test("what was asked for is told by its flags", () => {
  assert.deepEqual(groupFlags({ parent: "/a", namedBy: "--cgroup-parent", limits: { ...NONE, memory: 1n, cpusetMems: "0" } }), ["--cgroup-parent", "--resource memory", "--resource cpuset-mems"]);
});
