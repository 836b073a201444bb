import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openWorkshop, runSkip, type Workshop, type WorkshopBuild } from "./workshop.ts";

type Members = Readonly<Record<string, number | undefined>>;

interface Sample {
  readonly timestamp: string;
  readonly cpuStat?: Members;
  readonly memoryStat?: Members;
  readonly ioStat?: Members;
  readonly pidsStat?: Members;
}

interface Step {
  readonly op: { readonly Op?: { readonly exec?: unknown } };
  readonly resourceUsage?: { readonly samples?: readonly Sample[]; readonly sysCPUStat?: Members };
}

interface Predicate {
  readonly buildDefinition: { readonly internalParameters: { readonly buildConfig?: { readonly llbDefinition: readonly Step[] } } };
  readonly runDetails: { readonly metadata: { readonly startedOn: string; readonly finishedOn: string; readonly buildkit_metadata: { readonly sysUsage?: readonly Sample[] } } };
}

/** Burns half a second of a processor, and shows 64 MiB of memory. */
const WORK = `RUN awk 'BEGIN { s = sprintf("%67108864s", ""); for (i = 0; i < 4000000; i++) n += i; print length(s), n }'\n`;

let workshop: Workshop;
let outputs = 0;
before(async () => {
  workshop = await openWorkshop();
});
after(() => workshop[Symbol.asyncDispose]());

async function recordOf(dockerfile: string, options: WorkshopBuild): Promise<Predicate> {
  const out = join(workshop.path, `out-${outputs++}`);
  await workshop.build(dockerfile, { ...options, outputs: [`type=local,dest=${out}`] });
  return (JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as { readonly predicate: Predicate }).predicate;
}

const stepsOf = ({ buildDefinition }: Predicate): readonly Step[] => buildDefinition.internalParameters.buildConfig?.llbDefinition ?? [];
const execOf = (predicate: Predicate): Step["resourceUsage"] => stepsOf(predicate).find(({ op }) => op.Op?.exec !== undefined)?.resourceUsage;

describe("--provenance capture-usage=true", { skip: runSkip }, () => {
  test("tells of the whole machine, from the build's start to its end, with or without steps", async () => {
    for (const mode of ["min", "max"]) {
      const { runDetails: { metadata } } = await recordOf("FROM scratch\nCOPY a /\n", { files: { a: "a" }, provenance: `mode=${mode},capture-usage=true` });
      const samples = metadata.buildkit_metadata.sysUsage ?? [];
      const [last] = samples.slice(-1);
      assert.ok(last !== undefined && Date.parse(last.timestamp) >= Date.parse(metadata.startedOn));
      assert.deepEqual(Object.keys(last).slice(0, 4), ["timestamp", "cpuStat", "procStat", "memoryStat"]);
      const total = Number(/^MemTotal: +(\d+) kB$/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1]);
      assert.equal(last.memoryStat?.["total"], total);
      assert.ok((last.cpuStat?.["user"] ?? 0) > 0);
    }
  });

  for (const sandbox of ["runc", "crun"] as const) {
    test(`tells what a RUN in ${sandbox} used, and leaves no control group`, { skip: process.getuid?.() === 0 ? false : "needs root" }, async () => {
      const usage = execOf(await recordOf(`FROM base\nENV SANDBOX=${sandbox}\n${WORK}`, { provenance: "mode=max,capture-usage=true", sandbox }));
      const [last] = usage?.samples?.slice(-1) ?? [];
      const cpu = last?.cpuStat?.["usageNanos"] ?? 0;
      assert.ok(cpu > 50_000_000 && cpu < 60_000_000_000, `${cpu} ns`);
      assert.ok((last?.memoryStat?.["peak"] ?? 0) > 64 * 1024 * 1024, JSON.stringify(last));
      assert.ok((usage?.sysCPUStat?.["user"] ?? 0) > 0.04, JSON.stringify(usage));
      assert.equal(last?.pidsStat?.["current"], 0, "it has ended");
      const groups = ["", ...readdirSync("/sys/fs/cgroup")].flatMap((tree) => groupsIn(join("/sys/fs/cgroup", tree)));
      assert.deepEqual(groups.filter((name) => name.startsWith(`stemma-${process.pid}-`)), []);
    });
  }

  test("has a sample every two seconds", { skip: process.getuid?.() === 0 ? false : "needs root" }, async () => {
    const predicate = await recordOf("FROM base\nRUN sleep 4.5\n", { provenance: "mode=max,capture-usage=true" });
    const times = execOf(predicate)?.samples?.map(({ timestamp }) => Date.parse(timestamp)) ?? [];
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    // At least three; more where the machine took longer. The last one is taken when the step has ended.
    assert.ok(times.length >= 3 && gaps.slice(0, -1).every((gap) => gap >= 2000), times.join());
    assert.ok(times.length <= 2 + Math.floor(gaps.reduce((sum, gap) => sum + gap, 0) / 2000), times.join());
    assert.ok((predicate.runDetails.metadata.buildkit_metadata.sysUsage?.length ?? 0) >= 3);
  });

  test("tells nothing of a step that did not run, nor of one that no control group holds", async () => {
    const dockerfile = "FROM base\nRUN echo once > /once\n";
    await recordOf(dockerfile, { provenance: "mode=max" });
    assert.equal(execOf(await recordOf(dockerfile, { provenance: "mode=max,capture-usage=true" })), undefined);
    assert.equal(execOf(await recordOf("FROM base\nRUN echo none > /none\n", { provenance: "mode=max,capture-usage=true", sandbox: "namespaces" })), undefined);
  });

  test("is not there where nobody asked", async () => {
    const predicate = await recordOf("FROM base\nRUN echo unasked > /unasked\n", { provenance: "mode=max" });
    assert.equal(execOf(predicate), undefined);
    assert.ok(!("sysUsage" in predicate.runDetails.metadata.buildkit_metadata));
  });

  test("makes each record its own run's, since what was measured is", async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 2; i++) ids.add((await recordOf("FROM scratch\nCOPY a /\n", { files: { a: "a" }, provenance: "capture-usage=true", buildArgs: { SOURCE_DATE_EPOCH: "1600000000" } })).runDetails.metadata.startedOn);
    assert.equal(ids.size, 2);
  });
});

function groupsIn(tree: string): readonly string[] {
  try {
    return readdirSync(tree);
  } catch {
    return []; // A file.
  }
}
