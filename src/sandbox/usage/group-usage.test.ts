import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempDisposableSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readGroupUsage, readMemoryKills } from "./group-usage.ts";
import type { UsageObject, UsageTree } from "./usage-tree.ts";

const PRESSURE = "some avg10=0.00 avg60=1.50 avg300=0.25 total=117512\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
const PRESSURE_JSON = { some: { avg10: 0, avg60: 1.5, avg300: 0.25, total: 117512 }, full: { avg10: 0, avg60: 0, avg300: 0, total: 7 } };

/** Files of one control group, by their names within its trees. */
function grouped(files: Readonly<Record<string, string>>): { readonly root: string } & Disposable {
  const scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-group-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(scratch.path, path, ".."), { recursive: true });
    writeFileSync(join(scratch.path, path), text);
  }
  return { root: scratch.path, [Symbol.dispose]: () => scratch.remove() };
}

/** As it is written: without what was not to be had. */
const written = (usage: UsageObject | undefined): unknown => JSON.parse(JSON.stringify(usage));

describe("what a control group of version 2 has used", () => {
  test("is told in the members of BuildKit's samples, in their order, devices summed up", async () => {
    using group = grouped({
      "g/cpu.stat": "usage_usec 1234\nuser_usec 1000\nsystem_usec 234\ncore_sched.force_idle_usec 0\nnr_periods 3\nnr_throttled 1\nthrottled_usec 20\n",
      "g/cpu.pressure": PRESSURE,
      "g/memory.stat": "anon 10\nfile 20\nkernel_stack 30\npagetables 40\nsock 0\nshmem 5\nfile_mapped 6\nfile_dirty 7\nfile_writeback 8\nslab 9\nworkingset_refault_anon 3\npgscan 11\npgsteal 12\npgfault 13\npgmajfault 14\n",
      "g/memory.events": "low 0\nhigh 2\nmax 0\noom 1\noom_kill 1\n",
      "g/memory.peak": "4096\n", "g/memory.swap.current": "0\n", "g/memory.pressure": PRESSURE,
      "g/io.stat": "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=11 wbytes=0 rios=1 wios=0 dbytes=3 dios=4\n",
      "g/io.pressure": PRESSURE, "g/pids.current": "2\n",
    });
    assert.equal(JSON.stringify(await readGroupUsage({ version: 2, root: group.root, path: "g" })), JSON.stringify({
      cpuStat: { usageNanos: 1234000, userNanos: 1000000, systemNanos: 234000, nrPeriods: 3, nrThrottled: 1, throttledNanos: 20000, pressure: PRESSURE_JSON },
      memoryStat: {
        swapBytes: 0, anon: 10, file: 20, kernelStack: 30, pageTables: 40, sock: 0, shmem: 5, fileMapped: 6, fileDirty: 7, fileWriteback: 8, slab: 9,
        pgscan: 11, pgsteal: 12, pgfault: 13, pgmajfault: 14, peak: 4096, highEvents: 2, oomEvents: 1, oomKillEvents: 1, pressure: PRESSURE_JSON,
      },
      ioStat: { readBytes: 111, writeBytes: 200, discardBytes: 3, readIOs: 2, writeIOs: 2, discardIOs: 4, pressure: PRESSURE_JSON },
      pidsStat: { current: 2 },
    }));
  });

  test("leaves out what its controllers do not count, and is nothing where there is no group", async () => {
    using group = grouped({ "g/cpu.stat": "usage_usec 1\nuser_usec 1\nsystem_usec 0\n", "g/cpu.pressure": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" });
    assert.deepEqual(written(await readGroupUsage({ version: 2, root: group.root, path: "g" })), {
      cpuStat: { usageNanos: 1000, userNanos: 1000, systemNanos: 0, pressure: { some: { avg10: 0, avg60: 0, avg300: 0, total: 0 }, full: null } }, pidsStat: {},
    });
    assert.equal(await readGroupUsage({ version: 2, root: group.root, path: "none" }), undefined);
  });

  test("has how many processes were ended for want of memory", async () => {
    using group = grouped({ "g/memory.events": "low 0\nhigh 0\nmax 31\noom 4\noom_kill 3\noom_group_kill 0\n", "quiet/memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n", "other/cpu.stat": "" });
    const kills = [];
    for (const path of ["g", "quiet", "other", "none"]) kills.push(await readMemoryKills({ version: 2, root: group.root, path }));
    assert.deepEqual(kills, [3, 0, 0, 0]);
  });

  const tree = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((path) => existsSync(join(path, "cgroup.controllers")));
  const skip = process.getuid?.() !== 0 ? "needs root" : tree === undefined ? "this machine has no control groups of version 2" : false;
  test("is what the kernel counts", { skip }, async () => {
    const [root = "", path] = [tree, `stemma-test-${process.pid}`];
    mkdirSync(join(root, path));
    try {
      const child = spawn("/bin/sh", ["-c", 'echo $$ > "$0/cgroup.procs"; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done', join(root, path)], { stdio: "inherit" });
      await once(child, "exit");
      const usage = await readGroupUsage({ version: 2, root, path });
      assert.ok(memberOf(usage, "cpuStat", "usageNanos") > 10_000_000, JSON.stringify(usage));
    } finally {
      rmdirSync(join(root, path));
    }
  });
});

test("what a control group of version 1 has used is told in the same members, where they mean the same", async () => {
  using group = grouped({
    "cpuacct/g/cpuacct.usage": "1234\n", "cpuacct/g/cpuacct.usage_user": "1000\n", "cpuacct/g/cpuacct.usage_sys": "234\n", "cpu/g/cpu.stat": "nr_periods 0\nnr_throttled 0\nthrottled_time 5\n",
    "memory/g/memory.stat": "cache 1\nrss 1\ntotal_cache 20\ntotal_rss 10\ntotal_shmem 5\ntotal_mapped_file 6\ntotal_dirty 7\ntotal_writeback 8\ntotal_pgfault 13\ntotal_pgmajfault 14\ntotal_swap 0\n",
    "memory/g/memory.max_usage_in_bytes": "4096\n",
    "blkio/g/blkio.throttle.io_service_bytes_recursive": "8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:0 Discard 0\n8:0 Total 300\n8:16 Read 11\nTotal 311\n",
    "blkio/g/blkio.throttle.io_serviced_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Discard 0\nTotal 3\n", "pids/g/pids.current": "2\n",
  });
  assert.deepEqual(written(await readGroupUsage({ version: 1, root: group.root, path: "g" })), {
    cpuStat: { usageNanos: 1234, userNanos: 1000, systemNanos: 234, nrPeriods: 0, nrThrottled: 0, throttledNanos: 5 },
    memoryStat: { swapBytes: 0, anon: 10, file: 20, shmem: 5, fileMapped: 6, fileDirty: 7, fileWriteback: 8, pgfault: 13, pgmajfault: 14, peak: 4096 },
    ioStat: { readBytes: 111, writeBytes: 200, discardBytes: 0, readIOs: 1, writeIOs: 2, discardIOs: 0 },
    pidsStat: { current: 2 },
  });
  assert.equal(await readGroupUsage({ version: 1, root: group.root, path: "none" }), undefined);
});

function memberOf(usage: UsageObject | undefined, ...path: readonly string[]): number {
  let tree: UsageTree = usage;
  // Each step leads into an object, or the test fails.
  for (const member of path) tree = (tree as UsageObject | undefined)?.[member];
  return typeof tree === "number" ? tree : Number.NaN;
}
