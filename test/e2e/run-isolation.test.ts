import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type ListenOptions, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { COMMAND, COMPILE_CACHE } from "../../src/testing/command-path.ts";
import { openPlace } from "./command.ts";
import { compileProbe, compilerSkip, type Probe } from "./isolation/probe.ts";
import { openWorkshop, outputOf, runSkip, type Workshop } from "./workshop.ts";

/** The controls are this machine's root; what a user without privilege may do is less, and user namespaces hold it. */
const skip = runSkip !== false ? runSkip : process.getuid?.() === 0 ? false : "the controls need root";
const skipProbe = skip === false ? compilerSkip : skip;

/** What a process may have at the most: the fourteen capabilities of Docker and BuildKit. */
const CAPABILITIES_MAX = 0xa80425fbn;

/** Variables of CI jobs with which one can act as the job. */
const JOB_VARIABLES = [
  "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "CI_JOB_TOKEN", "CI_JOB_JWT_V2", "SIGSTORE_ID_TOKEN",
  "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_SECRET_ACCESS_KEY", "AZURE_FEDERATED_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "BUILDKITE_AGENT_ACCESS_TOKEN", "SYSTEM_ACCESSTOKEN", "CIRCLE_OIDC_TOKEN_V2",
];

let workshop: Workshop;
let probe: Probe;
let victim: ChildProcess;
let devices: readonly string[] = [];
/** On each address of this machine, and under an abstract name. */
const web = createServer((socket) => socket.end());
const abstract = createServer((socket) => socket.end());

/** Found by what it says nowhere else. */
const marker = `marker-${randomUUID()}`;
const victimName = `98${String(process.pid).padStart(7, "0")}`;

before(async () => {
  workshop = await openWorkshop();
  writeFileSync(join(workshop.path, "marker"), marker);
  if (skipProbe === false) probe = compileProbe(workshop.path);
  if (skip === false) devices = openableDevices(workshop.path);
  await Promise.all([listening(web, { host: "0.0.0.0", port: 0 }), listening(abstract, { path: `\0${marker}` })]);
  victim = spawn("sleep", [victimName], { stdio: "ignore" });
});

after(async () => {
  victim?.kill("SIGKILL");
  web.close();
  abstract.close();
  await workshop[Symbol.asyncDispose]();
});

for (const sandbox of ["runc", "crun", "namespaces"] as const) {
  const missing = sandbox === "namespaces" || spawnSync(sandbox, ["--version"]).status === 0 ? false : `${sandbox} is not installed`;
  describe(`a RUN in ${sandbox}`, { skip: missing }, () => {
    const room = openRoom(sandbox);
    for (const testPart of [testFiles, testProcesses, testPrivilege, testKernel, testEngine]) testPart(room);
  });
}

type Runtime = "runc" | "crun" | "namespaces";

/** Of the RUN that a script is in: its flags, and instructions before it. */
interface Setting {
  readonly flags?: string;
  readonly before?: string;
}

/** Made where the tests are told of, asked for in them: all scripts of a room are run by the first who asks, in one build. */
interface Room {
  readonly sandbox: Runtime;
  /** What a script prints in the sandbox; it has to come to its end. */
  readonly inside: (script: () => string, setting?: Setting) => () => Promise<string>;
  /** What the attacks of the probe come to in the sandbox, one line for each. */
  readonly attacks: (words: () => readonly string[], setting?: Setting) => () => Promise<readonly string[]>;
  readonly allRefused: (words: () => readonly string[], setting?: Setting) => () => Promise<void>;
}

function openRoom(sandbox: Runtime): Room {
  /** Those with the same setting share a RUN. */
  const scripts: (Setting & { readonly script: () => string })[] = [];
  let built: Promise<ReadonlyMap<number, string>> | undefined;
  const inside: Room["inside"] = (script, setting = {}) => {
    const number = scripts.push({ script, ...setting }) - 1;
    return async () => {
      const output = (await (built ??= runAll(sandbox, scripts))).get(number);
      assert.notEqual(output, undefined, "did not come to its end");
      return output ?? "";
    };
  };
  const attacks: Room["attacks"] = (words, setting) => {
    if (skipProbe !== false) return async () => [];
    const output = inside(() => words().map((line) => `echo "${line}: $(/probe ${line})"`).join("\n"), setting);
    return async () => (await output()).trimEnd().split("\n");
  };
  return {
    sandbox, inside, attacks,
    allRefused(words, setting) {
      const found = attacks(words, setting);
      return async () => {
        const [lines, expected] = [await found(), words()];
        assert.equal(lines.length, expected.length, lines.join("\n"));
        for (const [index, line] of lines.entries()) assert.match(line, new RegExp(`^${RegExp.escape(expected[index] ?? "")}: refused: `));
      };
    },
  };
}

/** What each prints that ends with status 0, by its number. One of the attacks gives its program capabilities, with which nobody can start it: it has a program of its own. */
async function runAll(sandbox: Runtime, scripts: ReadonlyArray<Setting & { readonly script: () => string }>): Promise<ReadonlyMap<number, string>> {
  const numbered = scripts.map(({ script, flags = "", before: earlier = "" }, number) => ({ setting: `${earlier}\nRUN ${flags}`, text: `echo "=== ${number}"\n(\n${script()}\n)\necho "=== ended with $?"\n` }));
  const stages = [...Map.groupBy(numbered, ({ setting }) => setting)].map(([setting, members], stage) => `FROM tools AS stage${stage}\n${setting} <<'SCRIPT'\n${members.map(({ text }) => text).join("")}SCRIPT\n`);
  const last = `FROM base\n${stages.map((_stage, number) => `COPY --from=stage${number} /etc/passwd /stage${number}\n`).join("")}`;
  const probeFile = skipProbe === false ? { probe: probe.bytes } : undefined;
  const { events } = await workshop.build(`FROM base AS tools\n${probeFile === undefined ? "" : "COPY --chmod=4755 probe /probe\nCOPY --chmod=4755 probe /changed-probe\n"}RUN mkdir -p /mnt\n${stages.join("")}${last}`, { sandbox, noCache: true, ...(probeFile === undefined ? {} : { files: probeFile }) });
  const printed = [...Map.groupBy(events.filter((event) => event.kind === "step-output"), ({ step }) => step).values()].map((each) => outputOf(each));
  return new Map(printed.flatMap((text) => [...text.matchAll(/^=== (\d+)\n([^]*?)^=== ended with 0\n/gm)].map(([, number, output]) => [Number(number), output ?? ""] as const)));
}

/** What a script prints in a build of its own, for one that may not come to its end. */
async function alone(sandbox: Runtime, script: string, earlier: string): Promise<string> {
  return (await workshop.build(`FROM base\n${earlier}\nRUN <<'SCRIPT'\n${script}\nSCRIPT\n`, { sandbox, noCache: true })).output;
}

/** What a shell prints on this machine: the control that shows that a script finds what there is to be found. */
function outside(script: string): string {
  return spawnSync("sh", ["-c", script], { encoding: "utf8" }).stdout;
}

const markerPath = (): string => join(workshop.path, "marker");

function testFiles({ sandbox, inside, allRefused }: Room): void {
  const found = inside(() => {
    const path = markerPath();
    const ways = [path, `/../../../..${path}`, `/proc/1/root${path}`, `/proc/self/root/..${path}`, `/proc/self/cwd/../../../..${path}`, `/proc/thread-self/root${path}`];
    return `${ways.map((way) => `cat ${way} 2>/dev/null`).join("\n")}
      for descriptor in /proc/self/fd/* /proc/1/fd/*; do cat $descriptor/../../../../../../..${path} $descriptor${path} 2>/dev/null; done
      ls -d ${workshop.path} /tmp/stemma-* /host /mnt/* 2>/dev/null; echo end`;
  });
  test("cannot see files of the host", { skip }, async () => {
    assert.equal(readFileSync(markerPath(), "utf8"), marker, "the control");
    assert.equal(await found(), "end\n");
  });

  test("cannot reach files of the host from a working directory that is a descriptor of the runtime", { skip }, async () => {
    for (const descriptor of [3, 7, 8, 9]) {
      const run = alone(sandbox, `cat ../../../../../..${markerPath()} .${markerPath()} 2>/dev/null; echo end`, `WORKDIR /proc/self/fd/${descriptor}`);
      // Either it cannot be started, or it finds nothing.
      assert.equal(await run.catch(() => "end\n"), "end\n");
    }
  });

  const leaveRefused = allRefused(() => [`chroot-out ${markerPath()}`, "by-handle /etc/hosts", "by-handle /bin/busybox"]);
  test("cannot leave its root by chroot or by a file's handle", { skip: skipProbe }, async () => {
    const path = markerPath();
    const root = await workshop.directory({ probe: probe.bytes });
    spawnSync("chmod", ["+x", join(root, "probe")]);
    const left = spawnSync("chroot", [root, "/probe", "chroot-out", path], { encoding: "utf8" });
    assert.equal(left.stdout, marker, "the control");
    assert.equal(probe.here(["by-handle", path]), "done", "the control");
    await leaveRefused();
  });
}

function testProcesses({ inside, attacks, allRefused }: Room): void {
  const search = `for process in /proc/[0-9]*; do case "$(tr '\\0' ' ' < $process/cmdline 2>/dev/null)" in "sleep ${victimName} ") echo $process ;; esac; done`;
  const seen = inside(() => `${search}\nkill -9 ${victim.pid} 2>/dev/null && echo killed; ls -d /proc/[0-9]* | wc -l; readlink /proc/self/ns/pid`);
  test("cannot see processes of the host, nor signal them", { skip }, async () => {
    assert.equal(outside(search), `/proc/${victim.pid}\n`, "the control");
    const output = await seen();
    const [count, namespace, ...more] = output.trimEnd().split("\n");
    assert.deepEqual(more, [], output);
    assert.ok(Number(count) <= 5, output);
    assert.notEqual(namespace, spawnSync("readlink", ["/proc/self/ns/pid"], { encoding: "utf8" }).stdout.trim());
    assert.equal(victim.exitCode ?? victim.signalCode, null);
  });

  const reached = attacks(waysToListeners);
  const unreached = allRefused(waysToListeners, { flags: "--network=none" });
  test("with --network=none cannot reach what listens on the host", { skip: skipProbe }, async () => {
    assert.deepEqual(await reached(), waysToListeners().map((word) => `${word}: done`), "the control");
    await unreached();
  });

  const address = (): string => /^([0-9a-f]+)-[0-9a-f]+ r--p/m.exec(readFileSync(`/proc/${victim.pid}/maps`, "latin1"))?.[1] ?? "";
  const engineRefused = allRefused(() => [process.pid, process.ppid, victim.pid].flatMap((pid) => ["attach", "read-memory", "pidfd", "signal"].map((word) => `${word} ${pid} ${address()}`)));
  test("cannot trace the engine, read its memory or signal it", { skip: skipProbe }, async () => {
    for (const words of [["attach"], ["read-memory"], ["pidfd"], ["signal"]]) assert.equal(probe.here([...words, String(victim.pid), address()]), "done", "the control");
    await engineRefused();
  });
}

function testKernel({ inside, allRefused }: Room): void {
  // The value that is there already.
  const settings = ["kernel.panic", "kernel.core_pattern", "kernel.hostname", "vm.overcommit_memory", "net.ipv4.ip_forward"];
  const setting = `for name in ${settings.map((name) => name.replaceAll(".", "/")).join(" ")}; do cat /proc/sys/$name > /dev/null || echo unseen $name; { cat /proc/sys/$name > /proc/sys/$name; } 2>/dev/null && echo set $name; done; echo end`;
  const named = "sysctl -w kernel.panic=7 2>/dev/null | grep -v '= 7'; hostname taken 2>/dev/null && echo renamed; echo end";
  const set = ["", "--network=none"].map((flags) => inside(() => `${setting}\n${named}`, { flags }));
  const clockRefused = allRefused(() => ["clock"]);
  test("cannot set what the kernel does, nor its clock", { skip: skipProbe }, async () => {
    assert.equal(outside(setting), `${settings.map((name) => `set ${name.replaceAll(".", "/")}\n`).join("")}end\n`, "the control");
    for (const output of set) assert.equal(await output(), "end\nend\n");
    assert.equal(probe.here(["clock"]), "done", "the control");
    await clockRefused();
  });

  // Opened for appending, and nothing written: who may open may write.
  const opened = inside(() => `for place in /proc/sys /proc/irq /proc/bus /proc/fs /sys; do find $place -type f 2>/dev/null; done | while read f; do { true >> "$f"; } 2>/dev/null && echo "$f"; done
      for f in /proc/sysrq-trigger /proc/kcore /proc/timer_list /proc/acpi/wakeup /proc/scsi/scsi; do test -e $f && { true >> $f; } 2>/dev/null && test "$(stat -c %t,%T $f)" != 1,3 && echo $f
      done; mkdir /sys/fs/cgroup/new /sys/fs/cgroup/*/new 2>/dev/null && echo cgroup; echo end`);
  test("cannot write to /proc and /sys", { skip }, async () => {
    assert.equal(await opened(), "end\n");
    assert.equal(outside(": >> /proc/sys/kernel/panic && : >> /sys/kernel/mm/transparent_hugepage/enabled && echo opened"), "opened\n", "the control");
  });

  const read = "cat /proc/kcore /proc/keys /proc/timer_list 2>/dev/null | head -c 1 | wc -c";
  const heard = inside(() => `${read}; ls /sys/firmware; timeout 1 dd if=/proc/kmsg of=/dev/null bs=1 count=1 2>/dev/null && echo heard; dmesg 2>/dev/null | head -n 1; echo end`);
  test("cannot read the kernel's memory and keys, nor hear its log", { skip }, async () => {
    assert.equal(outside(read), "1\n", "the control");
    assert.equal(await heard(), "0\nend\n");
  });
}

function testPrivilege({ inside, allRefused }: Room): void {
  const mountsRefused = allRefused(() => ["mount /mnt", "mount-new /mnt", "tree-copy /", "umount /proc", "umount /sys", "umount /etc/hosts", "umount /proc/sys", "umount /proc/kcore"]);
  const remounted = inside(() => "mount -o remount,rw /proc/sys 2>/dev/null && echo rw; mount -t proc proc /proc 2>/dev/null && echo proc; mount -t sysfs sysfs /tmp 2>/dev/null && echo sys; mount --bind / /bin 2>/dev/null && echo bind; echo end");
  test("cannot mount and unmount", { skip: skipProbe }, async () => {
    const aside = ["unshare", "--mount", "--propagation", "private"];
    for (const words of [["mount", "/mnt"], ["mount-new", "/mnt"], ["tree-copy", "/"], ["umount", "/proc"]]) assert.equal(probe.here(words, aside), "done", "the control");
    await mountsRefused();
    assert.equal(await remounted(), "end\n");
  });

  const devicesOpened = inside(() => {
    const script = devices.map((node, index) => `mknod /node${index} ${node} 2>/dev/null; mknod /dev/node${index} ${node} 2>/dev/null
      for node in /node${index} /dev/node${index}; do test -e $node && { true < $node; } 2>/dev/null && echo opened $node; done`).join("\n");
    return `${script}\nls /dev/sda /dev/vda /dev/mem /dev/kmsg /dev/fuse /dev/kvm /dev/loop-control 2>/dev/null; echo end`;
  });
  test("cannot open devices that it makes, nor find any of the host", { skip }, async (context) => {
    if (devices.length === 0) return context.skip("this machine lets not even its root open a device");
    context.diagnostic(devices.join(", "));
    assert.equal(await devicesOpened(), "end\n");
  });

  const moduleRefused = allRefused(() => ["module"]);
  test("cannot load kernel modules", { skip: skipProbe }, async (context) => {
    const control = probe.here(["module"]);
    if (control !== "done") context.diagnostic(`this kernel loads no module for anybody (${control})`);
    await moduleRefused();
  });

  const words = ["has-admin", "raise", "user-unshare", "user-clone", "user-clone3", "setns /proc/1/ns/user", "by-file /changed-probe"];
  const rootRefused = allRefused(() => words);
  const userRefused = allRefused(() => words, { before: "USER app" });
  const capabilities = inside(() => "id -u; grep -E 'Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f 2");
  test("gains no capability by a program that is root's, by a file's capabilities or by a user namespace", { skip: skipProbe }, async () => {
    for (const word of ["has-admin", "user-unshare", "user-clone", "user-clone3"]) assert.equal(probe.here([word]), "done", "the control");
    await rootRefused();
    // The program is root's and has the setuid bit, which counts: it is root, with no more than any root in here.
    await userRefused();
    const status = await capabilities();
    for (const set of status.trimEnd().split("\n").slice(1)) assert.equal(BigInt(`0x${set}`) & ~CAPABILITIES_MAX, 0n, status);
  });
}

function testEngine({ sandbox, inside }: Room): void {
  const reached = inside(() => `ls ${workshop.root} 2>/dev/null; find / -xdev \\( -name '*.db' -o -name cache-mounts -o -name config.json \\) 2>/dev/null
    cut -d ' ' -f 2 /proc/mounts | grep ${workshop.path}; echo end`);
  test("cannot reach the store", { skip }, async () => {
    assert.ok(globSync("layers/layers/*/index", { cwd: workshop.root }).length > 0, "the control");
    assert.equal(await reached(), "end\n");
  });

  test("has no descriptor of ours", { skip: skipProbe }, async () => {
    // Whoever starts us may leave something open, as `make` does.
    const built = await workshop.directory({ Dockerfile: `FROM base\nCOPY --chmod=755 probe /probe\nRUN /probe descriptors || true\n`, probe: probe.bytes });
    const command = [process.execPath, COMMAND, "build", "--root", workshop.root, "--no-cache", "--progress=plain", "--sandbox", sandbox, "--build-context", `base=oci-layout://${workshop.base}`, built];
    const { stderr, status } = spawnSync("sh", ["-c", 'exec "$@" 7<&0 9>/dev/null', "sh", ...command], { encoding: "utf8", env: { ...workshop.env, ...COMPILE_CACHE } });
    assert.equal(status, 0, stderr);
    assert.match(stderr, / refused: no descriptor is open beside the three$/m);
    assert.equal(outside(`${join(workshop.path, "probe")} descriptors 7<&0`), "done\n", "the control");
  });

  test("cannot write into what it only reads, nor keep what it writes out of its layer", { skip }, async () => {
    const dockerfile = "FROM base AS kept\nRUN echo kept > /kept\nFROM base\nRUN --mount=from=kept,target=/m ! touch /m/new && ! chmod 777 /m/kept && ! mount -o remount,rw /m\nRUN --mount=from=kept,target=/m cat /m/kept && ls /m/new 2>/dev/null || true\n";
    assert.equal(((await workshop.build(dockerfile, { sandbox, noCache: true })).output).split("\n").filter((line) => !/^(touch|chmod|mount)/.test(line)).join("\n"), "kept\n");
  });

  test("has no token and no OIDC variable of the job", { skip }, async () => {
    await using place = await openPlace();
    const env = Object.fromEntries(JOB_VARIABLES.map((name) => [name, `${marker}-of-the-job`]));
    const search = `cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c -- '-of-the-job'`;
    const control = spawnSync("sh", ["-c", search], { encoding: "utf8", env: { ...process.env, ...env } });
    assert.ok(Number(control.stdout) >= JOB_VARIABLES.length, "the control");
    const context = await workshop.directory({ Dockerfile: `FROM base\nRUN echo found $(${search}); env | cut -d = -f 1 | sort | tr '\\n' ' '\n` });
    const { exitCode, stderr } = await place.stemmaHere(["build", "--no-cache", "--progress=plain", "--sandbox", sandbox, "--build-context", `base=oci-layout://${workshop.base}`, context], { env });
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /found 0$/m);
    const named = /^#\d+ [\d.]+ ((?:[A-Z]+ )*PATH .*)$/m.exec(stderr)?.[1]?.trim().split(" ") ?? [];
    assert.ok(named.includes("PATH"), stderr);
    assert.deepEqual(named.filter((name) => JOB_VARIABLES.includes(name)), []);
  });
}


/** Words of the probe. */
function waysToListeners(): readonly string[] {
  const port = typeof web.address() === "object" ? (web.address() as AddressInfo).port : 0;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []).flatMap(({ family, address }) => (family === "IPv4" ? [address] : []));
  return [...addresses.map((address) => `tcp ${address} ${port}`), `abstract ${marker}`];
}

function listening(server: Server, at: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => void server.once("error", reject).listen(at, resolve));
}

/** What of the disks, the log, fuse and the loop devices this machine's root can open by a new node: else a refusal would prove nothing. */
function openableDevices(folder: string): readonly string[] {
  const disks = globSync("/sys/class/block/*/dev").map((path) => `b ${readFileSync(path, "utf8").trim().replace(":", " ")}`);
  return [...disks, "c 1 11", "c 10 229", "c 10 237"].filter((device, index) => {
    const path = join(folder, `node${index}`);
    return spawnSync("sh", ["-c", `rm -f ${path}; mknod ${path} ${device} && : < ${path}`]).status === 0;
  });
}
