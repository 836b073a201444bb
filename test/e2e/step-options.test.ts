import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openPlace, type Place } from "./command.ts";
import { BASE, contextWithBase, makeContext, runSkip } from "./small-base.ts";

let place: Place;
let context: string;
let builds = 0;

before(async () => {
  place = await openPlace();
  if (runSkip === false) context = await contextWithBase(place, "context", {});
});

after(() => place[Symbol.asyncDispose]());

async function build(dockerfile: string, ...flags: readonly string[]): Promise<(path: string) => Promise<string>> {
  const out = join(place.path, `out-${builds++}`);
  const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", "-o", `type=local,dest=${out}`, ...flags, context], { input: dockerfile });
  assert.equal(exitCode, 0, stderr);
  return (path) => readFile(join(out, path), "utf8");
}

async function refuses(says: RegExp, ...flags: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", ...flags, context], { input: `${BASE}RUN true\n` });
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", says);
  assert.equal(exitCode, 64);
}

const GROUP_FILES = [
  "memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpuset/cpuset.cpus", "cpuset/cpuset.mems",
  "memory.max", "memory.swap.max", "cpu.weight", "cpu.max", "cpuset.cpus", "cpuset.mems",
];
/** What the kernel makes of the flags below, by version; of swap and processors only where it can. */
const HELD: ReadonlyMap<string, string> = new Map([
  ["memory/memory.limit_in_bytes", "67108864"], ["memory/memory.memsw.limit_in_bytes", "134217728"], ["cpu/cpu.shares", "512"], ["cpu/cpu.cfs_quota_us", "30000"], ["cpu/cpu.cfs_period_us", "60000"],
  ["cpuset/cpuset.cpus", "0"], ["cpuset/cpuset.mems", "0"],
  ["memory.max", "67108864"], ["memory.swap.max", "67108864"], ["cpu.weight", "20"], ["cpu.max", "30000 60000"], ["cpuset.cpus", "0"], ["cpuset.mems", "0"],
]);
const LIMITS = ["-m", "2g", "--resource", "memory=64m", "--resource", "memory-swap=128m", "-c", "512", "--cpu-quota", "30000", "--resource", "cpu-period=60000", "--cpuset-cpus=0", "--resource=cpuset-mems=0"];
const FULL = ["--resource", "memory=32m", "--resource", "memory-swap=32m"];

/** Control groups of this machine below which groups of this test were made, in whatever tree. */
function groupsOfTest(name: string): readonly string[] {
  return ["/sys/fs/cgroup", ...readdirSync("/sys/fs/cgroup").map((tree) => join("/sys/fs/cgroup", tree))].map((tree) => join(tree, name)).filter((path) => existsSync(path));
}

interface Predicate {
  readonly buildDefinition: { readonly externalParameters: { readonly request: { readonly args: Readonly<Record<string, string>> } } };
}

describe("limits of control groups", { skip: runSkip }, () => {
  for (const sandbox of ["runc", "crun"]) {
    const missing = existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
    const parent = `stemma-test-${process.pid}-${sandbox}`;

    test(`hold the processes of a RUN in ${sandbox}, in a group of the parent, and nothing of it is left`, { skip: missing }, async () => {
      const script = `cat /proc/self/cgroup > /groups; cd /sys/fs/cgroup; for file in ${GROUP_FILES.join(" ")}; do [ ! -e $file ] || echo $file: $(cat $file); done > /held; cat /proc/sys/kernel/random/uuid > /id`;
      const dockerfile = `${BASE}ENV IN=${sandbox}\nRUN ${script}\n`;
      const flags = ["--sandbox", sandbox, "--cgroup-parent", `${parent}/inner/`, "--provenance", "mode=max"];
      const text = await build(dockerfile, ...flags, ...LIMITS);
      const held = (await text("held")).trim().split("\n").map((line) => line.split(": "));
      assert.ok(held.length >= 4, held.join());
      for (const [file = "", value] of held) assert.equal(value, HELD.get(file), file);
      const groups = (await text("groups")).trim().split("\n").map((line) => line.split(":")).filter(([, controllers]) => controllers === "memory" || controllers === "");
      const version2Alone = existsSync("/sys/fs/cgroup/cgroup.controllers");
      assert.ok(groups.some(([, , path = ""]) => version2Alone || new RegExp(`^/${parent}/inner/stemma-\\d+-\\w+/process$`).test(path)), groups.join("\n"));
      assert.deepEqual(groupsOfTest(parent), []);

      const { args } = (JSON.parse(await text("provenance.json")) as { readonly predicate: Predicate }).predicate.buildDefinition.externalParameters.request;
      assert.deepEqual(Object.fromEntries(Object.entries(args).filter(([key]) => /^(mem|cpu|cgroup)/.test(key))), {
        memory: "67108864", memswap: "134217728", cpushares: "512", cpuquota: "30000", cpuperiod: "60000", cpusetcpus: "0", cpusetmems: "0",
      });

      if (sandbox === "crun") return;
      const otherLimits = await build(dockerfile, ...flags, "--resource", "memory=65m");
      assert.equal(await otherLimits("id"), await text("id"), "limits are no part of a step's key");
    });

    test(`stand in the group that the settings name, in ${sandbox}, unless the build names another`, { skip: missing }, async () => {
      const settings = await makeContext(place, `settings-${sandbox}`, { "stemma/stemma.toml": `[worker.oci]\ndefaultCgroupParent = "${parent}/settings"\n` });
      const dockerfile = `${BASE}ENV IN=${sandbox}\nRUN cat /proc/self/cgroup > /groups; cat /proc/sys/kernel/random/uuid > /id\n`;
      const options = { input: dockerfile, env: { XDG_CONFIG_HOME: settings } };
      const groupsIn = async (...flags: readonly string[]): Promise<string> => {
        const dest = join(place.path, `groups-${sandbox}-${flags.length}`);
        const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", "--sandbox", sandbox, "-o", `type=local,dest=${dest}`, ...flags, context], options);
        assert.equal(exitCode, 0, stderr);
        return await readFile(join(dest, "groups"), "utf8");
      };
      const version2Alone = existsSync("/sys/fs/cgroup/cgroup.controllers");
      const first = await groupsIn();
      assert.ok(version2Alone || new RegExp(`:/${parent}/settings/stemma-\\d+-\\w+/process$`, "m").test(first), first);
      assert.equal(await groupsIn("--sbom=false"), first, "it is no part of a step's key");
      const other = await groupsIn("--no-cache", "--cgroup-parent", `${parent}/flag`);
      assert.ok(version2Alone || new RegExp(`:/${parent}/flag/stemma-`, "m").test(other), other);
      assert.deepEqual(groupsOfTest(parent), []);
    });

    test(`end a RUN in ${sandbox} that takes more memory, which is told`, { skip: missing }, async () => {
      const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", "--sandbox", sandbox, ...FULL, context], { input: `${BASE}RUN head -c 300000000 /dev/zero | tail\n` });
      assert.equal(exitCode, 67, stderr);
      // Only version 2 counts whom the kernel ended.
      const [kind, why] = existsSync("/sys/fs/cgroup/cgroup.controllers") ? ["ResourceExhausted: ", "cannot allocate memory"] : ["", "exit code: 137"];
      assert.ok(stderr.includes(`failed to solve: ${kind}process "/bin/sh -c head -c 300000000 /dev/zero | tail" did not complete successfully: ${why}\n`), stderr);
    });
  }

  test("that cannot be held are refused before any step runs", async () => {
    const cases: ReadonlyArray<readonly [says: string, ...flags: readonly string[]]> = [
      ["--cgroup-parent, --resource memory: no step can be held to it here, since the namespaces sandbox has no control groups: build with runc or crun installed and --sandbox=auto, or leave it out", "--sandbox=namespaces", "--cgroup-parent=/x", "--resource=memory=64m"],
      ["--cgroup-parent: the control group /cgroup.procs/x cannot be used: ", "--cgroup-parent=/cgroup.procs/x"],
      ["--cgroup-parent system.slice:a: asks systemd for a unit, which is not supported: give the path of a control group, such as /system.slice", "--cgroup-parent=system.slice:a:"],
    ];
    for (const [says, ...flags] of cases) {
      const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", ...flags, context], { input: `${BASE}RUN echo early > /early\n` });
      assert.ok(stderr.trimEnd().split("\n").at(-1)?.includes(says), stderr);
      assert.equal(exitCode, 64, stderr);
      assert.doesNotMatch(stderr, /RUN echo early/);
    }
  });
});

test("a control group of the settings that cannot be is told by its name there, before any step runs", { skip: runSkip }, async () => {
  const cases: ReadonlyArray<readonly [says: RegExp, value: string, status: number, ...flags: readonly string[]]> = [
    [/stemma\.toml: worker\.oci\.defaultCgroupParent: the path of a control group is needed, such as "\/builds"$/, "7", 64],
    [/defaultCgroupParent: the control group \/cgroup\.procs\/x cannot be used: /, '"/cgroup.procs/x"', 64],
    [/defaultCgroupParent: no step can be held to it here, since the namespaces sandbox has no control groups: /, '"/x"', 64, "--sandbox=namespaces"],
  ];
  for (const [index, [says, value, status, ...flags]] of cases.entries()) {
    const settings = await makeContext(place, `refused-${index}`, { "stemma/stemma.toml": `[worker.oci]\ndefaultCgroupParent = ${value}\n` });
    const { exitCode, stderr } = await place.stemmaHere(["build", "-f", "-", ...flags, context], { input: `${BASE}RUN echo early > /early\n`, env: { XDG_CONFIG_HOME: settings } });
    assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", says);
    assert.equal(exitCode, status, stderr);
  }
});

describe("what is said of all steps", { skip: runSkip }, () => {
  for (const sandbox of ["runc", "crun", "namespaces"]) {
    const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
    test(`holds for their processes, in ${sandbox}`, { skip: missing }, async () => {
      const text = await build(`${BASE}RUN cat /proc/self/limits > /limits; cat /proc/mounts > /mounts; cat /etc/hosts > /seen-hosts\n`, "--sandbox", sandbox,
        "--ulimit", "nofile=100:200", "--ulimit", "core=5", "--ulimit", "core=-1", "--shm-size", "3m", "--add-host", "a.test=10.0.0.1,10.0.0.2", "--add-host", "b.test:[fe80::1]", "--add-host", "here.test:host-gateway");
      const limits = await text("limits");
      assert.match(limits, /^Max open files +100 +200 +files/m);
      assert.match(limits, /^Max core file size +unlimited +unlimited/m);
      assert.match(await text("mounts"), /^\S+ \/dev\/shm tmpfs \S*size=3072k/m);
      const hosts = await text("seen-hosts");
      for (const line of [/^10\.0\.0\.1\s+a\.test$/m, /^10\.0\.0\.2\s+a\.test$/m, /^fe80::1\s+b\.test$/m, /^127\.0\.0\.1\s+here\.test$/m]) assert.match(hosts, line);
    });
  }

  test("--no-cache-filter runs one stage anew, and takes the others from the cache", async () => {
    const dockerfile = `FROM scratch AS one\nCOPY base /\nENV PATH=/bin\nRUN cat /proc/sys/kernel/random/uuid > /id\nFROM one AS two\nRUN cat /proc/sys/kernel/random/uuid > /second\n`;
    const first = await build(dockerfile);
    const again = await build(dockerfile, "--no-cache-filter", "TWO");
    assert.equal(await again("id"), await first("id"));
    assert.notEqual(await again("second"), await first("second"));
  });

  test("is refused where it makes no sense", async () => {
    await refuses(/--no-cache and --no-cache-filter cannot currently be used together$/, "--no-cache", "--no-cache-filter", "x");
    await refuses(/invalid host nohost$/, "--add-host", "nohost");
    await refuses(/invalid host a=b$/, "--add-host", "a=b");
    await refuses(/invalid argument "x" for "--shm-size" flag: invalid size: 'x'$/, "--shm-size", "x");
    await refuses(/invalid value "x" for resource memory: invalid size: 'x': give a size such as 512m, or 0 for no limit$/, "-m", "x");
    await refuses(/invalid argument "nofile=x" for "--ulimit" flag: strconv\.ParseInt: parsing "x": invalid syntax$/, "--ulimit", "nofile=x");
    await refuses(/invalid argument "nope=1" for "--ulimit" flag: invalid ulimit type: nope$/, "--ulimit", "nope=1");
    await refuses(/invalid argument "nofile=2:1" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: 2 > 1$/, "--ulimit", "nofile=2:1");
  });
});
