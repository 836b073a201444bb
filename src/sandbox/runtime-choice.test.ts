import assert from "node:assert/strict";
import { test } from "node:test";
import { reportRuntimes } from "./runtime-choice.ts";
import { cgroupLayout } from "./survey-ground.ts";

const SURVEY = { rootless: false, manyIds: true, cgroups: "v2", seccomp: true } as const;
const VERSIONS = { runc: "runc version 1.1.5\nspec: 1.0.2-dev\nlibseccomp: 2.5.4\n", crun: "crun version 1.8.1\nspec: 1.0.0\n+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +YAJL\n" };

test("crun comes first, and the fallback is always there and says what it lacks", () => {
  const reports = reportRuntimes(SURVEY, VERSIONS);
  assert.deepEqual(reports.map(({ runtime, available, seccomp }) => [runtime, available, seccomp]), [["crun", true, true], ["runc", true, true], ["namespaces", true, true]]);
  assert.match(reports[2]?.reason ?? "", /^no control groups/);
});

test("a runtime that is not installed says so", () => {
  assert.deepEqual(reportRuntimes(SURVEY, { ...VERSIONS, runc: undefined })[1], { runtime: "runc", available: false, seccomp: false, reason: "runc is not installed" });
});

test("without control groups only the fallback is left", () => {
  for (const cgroups of ["none", "read-only"] as const) {
    assert.deepEqual(reportRuntimes({ ...SURVEY, cgroups }, VERSIONS).map((report) => report.available), [false, false, true]);
  }
  assert.deepEqual(reportRuntimes({ ...SURVEY, cgroups: "read-only", rootless: true }, VERSIONS).map((report) => report.available), [true, true, true]);
});

test("crun in a user namespace cannot work beside a version 2 tree that it must not unmount", () => {
  assert.deepEqual(reportRuntimes({ ...SURVEY, cgroups: "hybrid", rootless: true }, VERSIONS).map((report) => report.available), [true, false, true]);
});

test("a runtime or a kernel without seccomp is used and told", () => {
  assert.deepEqual(reportRuntimes(SURVEY, { ...VERSIONS, runc: "runc version 1.1.5\n" })[1], { runtime: "runc", available: true, seccomp: false, reason: "no seccomp: this runc was built without it" });
  assert.equal(reportRuntimes({ ...SURVEY, seccomp: false }, VERSIONS)[1]?.reason, "no seccomp: the kernel lacks it");
  assert.match(reportRuntimes({ ...SURVEY, seccomp: false }, VERSIONS)[2]?.reason ?? "", /^no seccomp and no control groups/);
});

test("a runc that filters system calls comes before a crun that does not", () => {
  assert.deepEqual(reportRuntimes(SURVEY, { ...VERSIONS, crun: "crun version 1.8.1\n+CAP\n" }).map(({ runtime }) => runtime), ["runc", "crun", "namespaces"]);
});

test("a runc that may miss the end of its process says so", () => {
  const reason = (version: string): string | undefined => reportRuntimes(SURVEY, { ...VERSIONS, runc: `runc version ${version}\nspec: 1.2.1\nlibseccomp: 2.5.4\n` }).find(({ runtime }) => runtime === "runc")?.reason;
  for (const version of ["1.3.0", "1.3.5+ds1", "1.4.0-rc.3", "1.4.1", "1.5.0-rc.1"]) assert.match(reason(version) ?? "", /^this runc may wait for ever /, version);
  for (const version of ["1.1.5+ds1", "1.2.9", "1.3.6", "1.4.2", "1.5.0-rc.2", "1.5.0", "1.6.0"]) assert.equal(reason(version), "", version);
  assert.equal(reportRuntimes(SURVEY, { runc: "runc version 1.3.3\nlibseccomp: 2.5.4\n", crun: "crun version 1.8.1\n" })[0]?.runtime, "runc", "a crun without seccomp is weaker");
  const alone = reportRuntimes(SURVEY, { runc: "runc version 1.3.3\nlibseccomp: 2.5.4\n", crun: undefined }).find(({ available }) => available);
  assert.deepEqual([alone?.runtime, alone?.seccomp], ["runc", true]);
  assert.match(alone?.reason ?? "", /^this runc may wait for ever .*use a newer one, or crun$/);
});

test("the layout of control groups is read from the mount table", () => {
  const tmpfs = "30 22 0:25 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755";
  const memory = "31 30 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
  const unified = "32 30 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";
  const layouts = {
    none: "22 1 254:0 / / rw - ext4 /dev/root rw",
    v2: "30 22 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
    "read-only": "30 22 0:25 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw",
    v1: [tmpfs, memory].join("\n"),
    hybrid: [tmpfs, memory, unified].join("\n"),
  };
  for (const [expected, mountInfo] of Object.entries(layouts)) assert.equal(cgroupLayout(mountInfo), expected);
  assert.equal(cgroupLayout(tmpfs), "none");
  assert.equal(cgroupLayout([tmpfs.replace("rw,relatime", "ro,relatime"), memory.replace("rw,relatime", "ro,relatime")].join("\n")), "read-only");
});
