import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNothingRuns, assertNoWorkLeft } from "./nothing-left.ts";
import { contextWithBase } from "./small-base.ts";

const skip = process.geteuid?.() === 0 && existsSync("/usr/bin/setpriv") ? false : "becoming another user needs root and setpriv";
const skipMany = skip !== false ? skip : existsSync("/usr/bin/newuidmap") ? false : "newuidmap (package uidmap) is not installed";

const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];

const DOCKERFILE = `FROM scratch
COPY base /
COPY --chown=1000:1001 base/bin/busybox /owned
ENV PATH=/bin
RUN id -u && echo x > /made && stat -c '%u:%g' /made
`;

const OTHERS = `${DOCKERFILE}RUN stat -c '%u:%g' /owned && echo y > /given && chown 7:8 /given && mkdir /home && chown app /home
USER app
RUN id -u && id -g && echo z > /home/own && ! touch /refused 2>/dev/null
`;

let place: Place;
/** With ranges of ids, which the files of a mount namespace of its own give; this machine's stay as they are. */
let asManyIds: readonly string[];
let states = 0;

before(async () => {
  place = await openPlace();
  await chmod(place.path, 0o755);
  await contextWithBase(place, "context", {});
  await place.run(["mkdir", "-m", "777", join(place.path, "home")]);
  const ranges = join(place.path, "ranges");
  await mkdir(ranges);
  await writeFile(join(ranges, "sub"), "nobody:200000:65536\n");
  asManyIds = ["unshare", "--mount", "--propagation", "private", "sh", "-c", `for file in /etc/subuid /etc/subgid; do test -e $file || exit 99; mount --bind ${join(ranges, "sub")} $file || exit 99; done; exec "$@"`, "sh", ...AS_NOBODY];
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

async function build(wrapper: readonly string[], dockerfile: string, ...flags: readonly string[]): Promise<CommandRun> {
  const root = join(place.path, "home", `state-${states++}`);
  const result = await place.stemma(["build", "--root", root, "--progress=plain", "-f", "-", ...flags, join(place.path, "context")], { wrapper, env: { HOME: join(place.path, "home") }, input: dockerfile });
  await assertNothingRuns(place.path);
  assertNoWorkLeft(root);
  return result;
}

async function listing(tar: string): Promise<readonly string[]> {
  const text = await place.run(["tar", "--numeric-owner", "-tvf", tar]);
  return text.split("\n").map((line) => line.replace(/^(\S+ \S+) +\S+ \S+ \S+ /, "$1 "));
}

for (const sandbox of ["runc", "crun", "namespaces"] as const) {
  const missing = sandbox === "namespaces" || existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed`;
  describe(`without privilege, in ${sandbox}`, { skip: missing }, () => {
    test("a user with one id runs steps as root", { skip }, async (context) => {
      const tar = join(place.path, "home", `one-${sandbox}.tar`);
      const { exitCode, stderr } = await build(AS_NOBODY, DOCKERFILE, "--sandbox", sandbox, "-o", `type=tar,dest=${tar}`);
      if (stderr.includes("crun refuses control groups")) return context.skip("crun refuses this machine's control groups");
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /^#\d+ \S+ 0\n#\d+ \S+ 0:0$/m);
      const lines = await listing(tar);
      for (const line of ["-rw-r--r-- 0/0 made", "-rwxr-xr-x 1000/1001 owned"]) assert.ok(lines.includes(line), lines.join("\n"));
    });

    test("a user with ranges of ids runs steps as anybody, and gives files to anybody", { skip: skipMany }, async (context) => {
      const tar = join(place.path, "home", `many-${sandbox}.tar`);
      const { exitCode, stderr } = await build(asManyIds, OTHERS, "--sandbox", sandbox, "-o", `type=tar,dest=${tar}`);
      if (exitCode === 99) return context.skip("this machine has no /etc/subuid and /etc/subgid");
      if (stderr.includes("crun refuses control groups")) return context.skip("crun refuses this machine's control groups");
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /^#\d+ \S+ 1000\n#\d+ \S+ 1001$/m);
      const lines = await listing(tar);
      for (const line of ["-rw-r--r-- 0/0 made", "-rw-r--r-- 7/8 given", "-rw-r--r-- 1000/1001 home/own"]) assert.ok(lines.includes(line), lines.join("\n"));
    });
  });
}

describe("a user who may make control groups, as systemd lets one", { skip: skip !== false ? skip : existsSync("/sys/fs/cgroup/cgroup.controllers") ? false : "needs control groups of version 2" }, () => {
  for (const sandbox of ["runc", "crun"]) {
    test(`keeps steps in the group that the build is in, with its limits, in ${sandbox}`, { skip: existsSync(`/usr/bin/${sandbox}`) || existsSync(`/usr/sbin/${sandbox}`) ? false : `${sandbox} is not installed` }, async () => {
      const parent = join("/sys/fs/cgroup", `stemma-test-${process.pid}-user-${sandbox}`);
      const own = join(parent, "own");
      await mkdir(own, { recursive: true });
      await place.run(["chown", "-R", "65534:65534", parent]);
      try {
        const inOwn = ["sh", "-c", `echo $$ > ${own}/cgroup.procs && exec "$@"`, "sh", ...AS_NOBODY];
        const { exitCode, stderr } = await build(inOwn, DOCKERFILE.replace("id -u", "cat /proc/self/cgroup"), "--sandbox", sandbox, "-o", "type=cacheonly");
        assert.equal(exitCode, 0, stderr);
        assert.match(stderr, new RegExp(`^#\\d+ \\S+ 0::${RegExp.escape(own.replace("/sys/fs/cgroup", ""))}$`, "m"));
        assert.deepEqual((await readdir(parent, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name), ["own"]);
      } finally {
        await place.run(["rmdir", own, parent]);
      }
    });
  }
});

test("with one id a USER who is not root is refused before any step runs, with what gives more", { skip }, async () => {
  const { exitCode, stderr } = await build(AS_NOBODY, OTHERS.replace(/RUN stat.*\n/, ""), "--sandbox=namespaces");
  assert.equal(exitCode, 71, stderr);
  assert.doesNotMatch(stderr, /^#\d+ \d+\.\d+ 0$/m);
  assert.match(stderr, /a step runs as user app, and only root exists here: give this user ranges in \/etc\/subuid and \/etc\/subgid \(and install newuidmap\), or run as root\n$/);
});
