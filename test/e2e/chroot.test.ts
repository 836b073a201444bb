import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNoWorkLeft, assertNothingRuns, processesWith } from "./nothing-left.ts";
import { contextWithBase } from "./small-base.ts";

const skip = process.geteuid?.() === 0 && existsSync("/usr/bin/setpriv") ? false : "a container's root is made of root, with setpriv";

/** What root has in a container by default: no CAP_SYS_ADMIN, so no mounts and no namespaces. */
const AS_CONTAINER = ["setpriv", "--inh-caps=-all", `--bounding-set=-all,${"chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap".split(" ").map((name) => `+${name}`).join(",")}`];

const BASE = "FROM scratch AS base\nCOPY base /\nCOPY --chown=5:6 base/bin/busybox /owned\nENV PATH=/bin\n";

/** Seconds that no other process of this machine sleeps begin so. */
const SLEEP = `1${String(process.pid).padStart(7, "0")}`;

let place: Place;
let root: string;
let outputs = 0;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  await contextWithBase(place, "context", { "file.txt": "of the context\n" });
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

async function argsFor(dockerfile: string, flags: readonly string[]): Promise<string[]> {
  await writeFile(join(place.path, "Dockerfile"), dockerfile);
  return ["build", "--root", root, "--progress=plain", "--sandbox=chroot", "-f", join(place.path, "Dockerfile"), ...flags, join(place.path, "context")];
}

async function build(dockerfile: string, flags: readonly string[] = [], wrapper: readonly string[] = AS_CONTAINER): Promise<CommandRun> {
  return await place.stemma(await argsFor(dockerfile, flags), { wrapper });
}

/** The same where what this process may do besides is no matter. */
async function buildHere(dockerfile: string, ...flags: readonly string[]): Promise<CommandRun> {
  return await place.stemmaHere(await argsFor(dockerfile, flags));
}

/** What the steps printed. */
async function built(dockerfile: string, ...flags: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await build(dockerfile, flags);
  assert.equal(exitCode, 0, stderr);
  await assertNothingRuns(place.path);
  assertNoWorkLeft(root);
  return stderr.split("\n").flatMap((line) => /^#\d+ \d+\.\d+ (.*)$/.exec(line)?.[1] ?? []).join("\n");
}

async function listing(dockerfile: string, ...flags: readonly string[]): Promise<string> {
  const tar = join(place.path, `out-${outputs++}.tar`);
  await built(dockerfile, "-o", `type=tar,dest=${tar}`, ...flags);
  return await place.run(["tar", "--numeric-owner", "-tvf", tar]);
}

test("in a container that may have no namespaces another sandbox is refused, and this one runs, says what it is and is recorded", { skip }, async () => {
  const metadata = join(place.path, "metadata.json");
  const { exitCode, stderr } = await build(`${BASE}RUN id -u && stat -c '%u:%g' /owned && cat /etc/hosts && ls /proc /sys | wc -l\n`, ["--metadata-file", metadata]);
  assert.equal(exitCode, 0, stderr);
  assert.equal(stderr.split("RUN uses the chroot sandbox: no namespaces, no seccomp").length, 2, stderr);
  assert.match(stderr, /^#\d+ \S+ 0\n#\d+ \S+ 5:6\n#\d+ \S+ 127\.0\.0\.1\s+localhost/m);
  const tar = join(place.path, "recorded.tar");
  await build(`${BASE}RUN true\n`, ["--provenance=mode=max", "-o", `type=oci,dest=${tar}`]);
  const said = await place.run(["sh", "-c", 'mkdir -p "$1.d" && tar -xf "$1" -C "$1.d" && cat "$1.d"/blobs/sha256/*', "sh", tar]);
  assert.match(said, /"stemma_isolation":\[\{"runtime":"chroot","seccomp":false,"rootless":false\}\]/);
  assert.match(said, /"stemma_hermetic":\{"verified":false,"check":"inputs","uncaptured":\["machine","network"\]\}/);
  const other = await place.stemma(["build", "--root", root, "--sandbox=runc", "--no-cache", "-f", join(place.path, "Dockerfile"), join(place.path, "context")], { wrapper: [...AS_CONTAINER, "unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"', "sh"] });
  assert.notEqual(other.exitCode, 0, other.stderr);
});

test("a layer has what the step changed, with owners and modes, and nothing of what was put in its place", { skip }, async () => {
  const dockerfile = `${BASE}RUN echo x > /made && chown 7:8 /made && chmod 4750 /made && rm /bin/yes && echo y > /dev/null && echo z > /dev/shm/z && mkdir -p /new/dir\n`;
  const lines = (await listing(dockerfile)).split("\n").map((line) => line.replace(/^(\S+ \S+) +\d+ \S+ \S+ /, "$1 "));
  assert.ok(lines.includes("-rwsr-x--- 7/8 made") && lines.includes("-r-xr-xr-x 5/6 owned") || lines.some((line) => /^-rwxr-xr-x 5\/6 owned$/.test(line)), lines.join("\n"));
  assert.ok(lines.includes("drwxr-xr-x 0/0 new/dir/"));
  assert.ok(!lines.some((line) => line.endsWith(" bin/yes")));
  assert.deepEqual(lines.filter((line) => /dev\/|shm|resolv|hosts|proc\/.|sys\/./.test(line) && !line.endsWith(" dev/")), []);
});

test("files of a context, a stage, a secret and a cache are where they would be mounted, for the step alone", { skip }, async () => {
  await writeFile(join(place.path, "secret"), "of-the-secret");
  const dockerfile = [
    BASE, "FROM base AS made", "RUN mkdir /made && echo made > /made/file && mkdir -p /over/x && echo under > /over/x/file",
    "FROM made",
    "RUN --mount=target=/ctx cat /ctx/file.txt && touch /ctx/lost",
    "RUN --mount=from=made,source=/made,target=/over/x cat /over/x/file && ls /over/x",
    "RUN cat /over/x/file && test ! -e /ctx",
    "RUN --mount=type=secret,id=s,mode=0440,uid=9 stat -c '%u %a' /run/secrets/s && wc -c < /run/secrets/s",
    "RUN --mount=type=secret,id=s,env=S sh -c 'echo -n $S | wc -c'",
    "RUN --mount=type=tmpfs,target=/t stat -c %a /t && echo x > /t/x",
    "RUN --mount=type=cache,target=/c,uid=3 echo line >> /c/log && stat -c %u /c && wc -l < /c/log",
    "RUN test ! -e /c && test ! -e /t && test ! -e /run/secrets", "",
  ].join("\n");
  const flags = ["--no-cache", "--secret", `id=s,src=${join(place.path, "secret")}`];
  const expected = (count: number): string => `of the context\nmade\nfile\nunder\n9 440\n13\n13\n1777\n3\n${count}`;
  assert.equal(await built(dockerfile, ...flags), expected(1));
  assert.equal(await built(dockerfile, ...flags), expected(2));
  const lines = await listing(dockerfile, "--secret", `id=s,src=${join(place.path, "secret")}`);
  assert.doesNotMatch(lines, /log$|secrets|ctx| t\/| c\//m);
});

test("capabilities with which one leaves a root are not there, and a user has none", { skip }, async () => {
  const leave = "id -u; if busybox chroot / true 2>/dev/null; then echo left; else echo held; fi";
  assert.equal(await built(`${BASE}RUN ${leave}\nUSER app\nRUN id -u && ! touch /refused 2>/dev/null && echo kept\n`), "0\nheld\n1000\nkept");
});

test("what a step left running is gone with it, also when it has left its parent, and when the build is killed", { skip }, async () => {
  await built(`${BASE}RUN setsid sh -c 'sleep ${SLEEP}01 & sleep ${SLEEP}02' & sleep 0.3; echo done\n`, "--no-cache");
  assert.deepEqual(processesWith(`sleep\0${SLEEP}0`), []);
  await writeFile(join(place.path, "Dockerfile"), `${BASE}RUN setsid sh -c 'sleep ${SLEEP}11 & sleep ${SLEEP}12' & echo up > /dev/null; sleep ${SLEEP}13\n`);
  const started = place.start(["build", "--root", root, "--progress=plain", "--sandbox=chroot", "-f", join(place.path, "Dockerfile"), join(place.path, "context")], { wrapper: AS_CONTAINER });
  for (let waitedMs = 0; processesWith(`sleep\0${SLEEP}1`).length < 3 && waitedMs < 30_000; waitedMs += 100) await delay(100);
  const seen = processesWith(`sleep\0${SLEEP}1`);
  started.kill("SIGKILL");
  const { stderr } = await started.ended;
  assert.ok(seen.length >= 3, `${seen.join("\n")}\n${stderr}`);
  for (let waitedMs = 0; processesWith(`sleep\0${SLEEP}1`).length > 0 && waitedMs < 30_000; waitedMs += 50) await delay(50);
  assert.deepEqual(processesWith(`sleep\0${SLEEP}1`), []);
});

test("what cannot be done is said before any step runs", { skip }, async () => {
  for (const [run, what, ...flags] of [["--network=none true", "a network of its own"], ["--mount=type=tmpfs,target=/t,size=1m true", "a tmpfs of a size"], ["--security=insecure true", "--security=insecure"], ["true", "limits of a control group", "--resource=memory=64m"], ["true", "limits of a control group", "--cgroup-parent=/x"]] as const) {
    const { exitCode, stderr } = await buildHere(`${BASE}RUN echo early-${outputs++}\nRUN ${run}\n`, "--allow", "security.insecure", ...flags);
    assert.equal(exitCode, 64, stderr);
    assert.ok(stderr.includes(`a step asks for ${what}`), stderr);
    assert.doesNotMatch(stderr, /^#\d+ \d+\.\d+ early/m);
  }
  const without = await build(`${BASE}RUN true\n`, [], AS_CONTAINER.map((word) => word.replace(",+sys_chroot", "")));
  assert.equal(without.exitCode, 71, without.stderr);
  assert.match(without.stderr, /the chroot sandbox needs root with what containers have by default; missing: CAP_SYS_CHROOT\n$/);
  assert.doesNotMatch(without.stderr, /^#1 /m);
  await chmod(place.path, 0o755);
  const nobody = await build(`${BASE}RUN true\n`, [], ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all"]);
  assert.match(nobody.stderr, /missing: root\n$/);
});

test("a failing step has its exit code, and a command that is not there is told", { skip }, async () => {
  assert.match((await buildHere(`${BASE}RUN exit 7\n`)).stderr, /did not complete successfully: exit code: 7/);
  assert.match((await buildHere(`${BASE}RUN ["absent-command"]\n`)).stderr, /executable file not found in \$PATH/);
  assert.equal(await readFile(join(place.path, "context/file.txt"), "utf8"), "of the context\n");
});
