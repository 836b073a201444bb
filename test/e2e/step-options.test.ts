import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openPlace, type Place } from "./command.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

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
  const { exitCode, stderr } = await place.stemma(["build", "-f", "-", "-o", `type=local,dest=${out}`, ...flags, context], { input: dockerfile });
  assert.equal(exitCode, 0, stderr);
  return (path) => readFile(join(out, path), "utf8");
}

async function refuses(says: RegExp, ...flags: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await place.stemma(["build", "-f", "-", ...flags, context], { input: `${BASE}RUN true\n` });
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", says);
  assert.equal(exitCode, 64);
}

describe("what is said of all steps", { skip: runSkip }, () => {
  for (const sandbox of ["runc", "crun", "namespaces"]) {
    const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
    test(`holds for their processes, in ${sandbox}`, { skip: missing }, async () => {
      const text = await build(`${BASE}RUN cat /proc/self/limits > /limits; cat /proc/mounts > /mounts; cat /etc/hosts > /seen-hosts\n`, "--sandbox", sandbox,
        "--ulimit", "nofile=100:200", "--ulimit", "core=5", "--ulimit", "core=-1", "--shm-size", "3m", "--add-host", "a.test=10.0.0.1,10.0.0.2", "--add-host", "b.test:[fe80::1]");
      const limits = await text("limits");
      assert.match(limits, /^Max open files +100 +200 +files/m);
      assert.match(limits, /^Max core file size +unlimited +unlimited/m);
      assert.match(await text("mounts"), /^\S+ \/dev\/shm tmpfs \S*size=3072k/m);
      const hosts = await text("seen-hosts");
      for (const line of [/^10\.0\.0\.1\s+a\.test$/m, /^10\.0\.0\.2\s+a\.test$/m, /^fe80::1\s+b\.test$/m]) assert.match(hosts, line);
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
    await refuses(/--add-host a=host-gateway: host-gateway is not supported/, "--add-host", "a=host-gateway");
    await refuses(/invalid argument "x" for --shm-size: invalid size: 'x'$/, "--shm-size", "x");
    await refuses(/invalid ulimit type: nope$/, "--ulimit", "nope=1");
    await refuses(/ulimit soft limit must be less than or equal to hard limit: 2 > 1$/, "--ulimit", "nofile=2:1");
  });
});
