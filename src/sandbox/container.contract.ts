import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { RuntimeName } from "./runtime-choice.ts";
import { SandboxError } from "./sandbox-error.ts";
import { processesNamed } from "./own-processes.contract.ts";
import { assertNothingLeft, open, plainTree, secretFile, type Ground } from "./sandbox.contract.ts";
import type { ContainerProcess, SandboxContainer, StartedProcess, Surroundings } from "./sandbox.ts";
import { fillSmallRoot } from "./small-root.contract.ts";

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What every runtime has to do for several processes in one tree. */
export async function testContainers(runtime: RuntimeName): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `stemma-${runtime}-container-`));
  const opened = await open(runtime, folder);
  const skip = typeof opened === "string" ? opened : false;
  const ground = opened as Ground; // Only used where nothing is skipped.
  describe(`containers of ${runtime}`, { skip }, () => {
    before(() => fillSmallRoot(join(folder, "root")));
    after(() => ground.namespace[Symbol.asyncDispose]());
    testJoining(ground);
    testProcesses(ground);
    testTerminals(ground);
    testEnds(ground, runtime);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
}

function testJoining(ground: Ground): void {
  test("a second process joins the first: its files, its processes, its surroundings, its limits", async () => {
    const secret = [{ kind: "bind", source: secretFile(ground), destination: "/run/secret", readOnly: true }] as const;
    await using container = openContainer(ground, { network: "none", hostname: "together", extraHosts: [{ host: "other", ip: "10.0.0.9" }], mounts: secret });
    const first = await start(container, "echo made > /tmp-made; echo up; cat; grep -E '^(Cap|Seccomp:)' /proc/self/status; exit 5", { streams: "input-and-output" });
    assert.equal(await line(first.stdout), "up\n");
    const script = "cat /tmp-made /run/secret; hostname; grep other /etc/hosts; tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' '; cat /proc/1/cmdline | tr '\\0' ' ' | cut -c 1-10; exit 7";
    assert.deepEqual(await outcome(await start(container, script)), { code: 7, stdout: "made\ns3crettogether\n10.0.0.9\tother\nlo\n/bin/sh -c\n", stderr: "" });
    const seen = await outcome(await start(container, "grep -E '^(Cap|Seccomp:)' /proc/self/status >&2; echo written > /by-second"));
    first.input?.end(readFileSync(join(ground.folder, "root/by-second")));
    const { code, stdout } = await outcome(first);
    assert.deepEqual([code, stdout], [5, `written\n${seen.stderr}`]);
    assert.match(stdout, /CapEff/);
  });

  test("a process that joins has the command, environment, directory and user that are its own, and else the first one's user", async () => {
    await using container = openContainer(ground);
    const first = await start(container, "echo up; cat", { streams: "input-and-output", user: "12:34", env: ["A=first"] });
    await line(first.stdout);
    await outcome(await start(container, "mkdir /here; echo 'late:x:77:78::/home/late:/bin/sh' >> /etc/passwd", { user: "0:0" }));
    const who = "id -u; id -g; pwd; echo $A $B $HOME";
    assert.equal((await outcome(await start(container, who, { env: ["B=own"], cwd: "/here", user: "late" }))).stdout, "77\n78\n/here\nown /home/late\n");
    assert.equal((await outcome(await start(container, who))).stdout, "12\n34\n/\n/\n");
    first.input?.end();
    assert.equal((await outcome(first)).code, 0);
  });

  test("who is looked up while others change the tree is never looked up outside of it", async () => {
    const root = join(ground.folder, "linked-alive");
    fillSmallRoot(root);
    const outside = join(ground.folder, "passwd-outside");
    writeFileSync(outside, "daemon:x:1:1::/:/bin/sh\n");
    await using container = openContainer(ground, {}, root);
    const first = await start(container, "cat", { streams: "input-and-output" });
    for (const target of [outside, `../../../../../../../..${outside}`, "passwd"]) {
      rmSync(join(root, "etc/passwd"), { force: true });
      symlinkSync(target, join(root, "etc/passwd"));
      await assert.rejects(start(container, "true", { user: "daemon" }), /unable to find user daemon/);
    }
    first.input?.end();
    await outcome(first);
  });
}

function testProcesses(ground: Ground): void {
  test("a process reads its input to the end and prints all of it, also more than a pipe holds", async () => {
    await using container = openContainer(ground);
    const first = await start(container, "cat", { streams: "input-and-output" });
    const second = await start(container, "cat; echo end >&2", { streams: "input-and-output" });
    for (const [process, errors] of [[second, "end\n"], [first, ""]] as const) {
      process.input?.end(Buffer.alloc(1_000_000, "x"));
      const { code, stdout, stderr } = await outcome(process);
      assert.deepEqual([code, stdout.length, stderr], [0, 1_000_000, errors]);
    }
  });

  test("a signal goes to the process that is meant, and to no other", async () => {
    await using container = openContainer(ground);
    const trap = "trap 'echo got usr1' USR1; trap 'echo got term; exit 9' TERM; echo up; while :; do sleep 0.05; done";
    const [first, second] = [await start(container, trap), await start(container, trap)];
    for (const { stdout } of [first, second]) assert.equal(await line(stdout), "up\n");
    second.signal(constants.signals.SIGUSR1);
    assert.equal(await line(second.stdout), "got usr1\n");
    second.signal(constants.signals.SIGTERM);
    assert.deepEqual(await outcome(second), { code: 9, stdout: "got term\n", stderr: "" });
    first.signal(constants.signals.SIGKILL);
    assert.deepEqual(await outcome(first), { code: 137, stdout: "", stderr: "" });
    first.signal(constants.signals.SIGTERM); // Of what has ended nobody is told.
  });

  test("a command that is not there is an error, of the first process and of one that joins", async () => {
    await using empty = openContainer(ground);
    const refused = (error: unknown): boolean => error instanceof SandboxError && error.code === "command" && error.message.includes("no-such-command");
    const runs = async (container: SandboxContainer): Promise<number> => (await container.start({ argv: ["no-such-command"], env: [], cwd: "/", user: "", streams: "output" })).exited;
    await assert.rejects(runs(empty), refused);
    await assert.rejects(start(empty, "true").then(outcome), /the container's first process was not started|has stopped/);
    await using container = openContainer(ground);
    const first = await start(container, "cat", { streams: "input-and-output" });
    await assert.rejects(runs(container), refused);
    first.input?.end();
    assert.equal((await outcome(first)).code, 0);
  });
}

function testTerminals(ground: Ground): void {
  for (const place of ["first", "second"] as const) {
    test(`the ${place} process can have a terminal: of a size, controlling it, with both outputs on it`, async () => {
      await using container = openContainer(ground);
      const first = place === "first" ? undefined : await start(container, "cat", { streams: "input-and-output" });
      const shell = await start(container, "[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal >&2; until [ \"$(stty size)\" = '33 77' ]; do sleep 0.05; done; echo resized; while read -r word; do echo got $word; [ $word = end ] && exit 4; done", { streams: "terminal" });
      const seen = follow(shell.stdout);
      await seen("terminal\r\n");
      shell.resize({ rows: 33, columns: 77 });
      await seen("resized\r\n");
      shell.input?.write("one\n");
      await seen("got one\r\n");
      shell.input?.write("end\n");
      assert.deepEqual([await shell.exited, await text(shell.stderr)], [4, ""]);
      await seen("got end\r\n");
      first?.input?.end();
      await first?.exited;
    });
  }

  test("Ctrl-C at a terminal interrupts what runs in its foreground", async () => {
    await using container = openContainer(ground);
    await start(container, "cat", { streams: "input-and-output" });
    const shell = await start(container, "trap 'echo interrupted; exit 6' INT; echo up; while :; do sleep 0.05; done", { streams: "terminal" });
    const seen = follow(shell.stdout);
    await seen("up\r\n");
    shell.input?.write("\u0003");
    await seen("interrupted\r\n");
    assert.equal(await shell.exited, 6);
  });
}

function testEnds(ground: Ground, runtime: RuntimeName): void {
  test("when the first process ends, so do those that joined, and nobody joins any more", async () => {
    await using container = openContainer(ground);
    const first = await start(container, "cat", { streams: "input-and-output" });
    const second = await start(container, "setsid sleep 9501 & echo up; sleep 9502");
    await line(second.stdout);
    first.input?.end();
    assert.equal((await outcome(first)).code, 0);
    assert.equal(await second.exited, 137);
    assert.deepEqual(processesNamed("sleep 950"), []);
    await assert.rejects(start(container, "true"), /the container has stopped: its first process has ended/);
  });

  test("disposing ends every process, and leaves nothing of the container, nor of its mount points", async () => {
    const root = join(ground.folder, "released");
    fillSmallRoot(root);
    rmSync(join(root, "etc/hosts"), { force: true });
    const shared = join(ground.folder, "released-mount");
    mkdirSync(shared, { recursive: true });
    {
      await using container = openContainer(ground, { mounts: [{ kind: "bind", source: shared, destination: "/new/mount", readOnly: false }] }, root);
      const first = await start(container, "trap '' TERM INT HUP; setsid sleep 9601 & echo up; sleep 9602");
      const second = await start(container, "trap '' TERM INT HUP; setsid sleep 9603 & echo kept > /new/mount/kept; echo up; sleep 9604");
      const shell = await start(container, "echo up; sleep 9605", { streams: "terminal" });
      for (const { stdout } of [first, second, shell]) await line(stdout);
    }
    assert.deepEqual(processesNamed("sleep 960"), []);
    assertNothingLeft(ground, runtime);
    assert.deepEqual([existsSync(join(root, "new")), existsSync(join(root, "etc/hosts")), readdirSync(shared)], [false, false, ["kept"]]);
  });

  test("disposing while a process is being started leaves nothing either", async () => {
    for (const delayMs of [0, 5, 20, 40]) {
      const container = openContainer(ground);
      const starts = [start(container, "sleep 9701"), start(container, "sleep 9702")].map((starting) => starting.catch((error: unknown) => error));
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await container[Symbol.asyncDispose]();
      await Promise.all(starts);
      await assert.rejects(start(container, "true"), /the container was released/);
    }
    assert.deepEqual(processesNamed("sleep 970"), []);
    assertNothingLeft(ground, runtime);
  });
}

function openContainer({ sandbox, folder }: Ground, changes: Partial<Surroundings> = {}, root: string = join(folder, "root")): SandboxContainer {
  return sandbox.open({ network: "host", hostname: "", extraHosts: [], limits: [], group: undefined, mounts: [], devices: [], insecure: false, readOnlyRoot: false, ...changes }, plainTree(root));
}

function start(container: SandboxContainer, script: string, changes: Partial<ContainerProcess> = {}): Promise<StartedProcess> {
  return container.start({ argv: ["/bin/sh", "-c", script], env: [], cwd: "/", user: "", streams: "output", ...changes });
}

async function outcome({ stdout, stderr, exited }: StartedProcess): Promise<Outcome> {
  const [code, out, errors] = await Promise.all([exited, text(stdout), text(stderr)]);
  return { code, stdout: out, stderr: errors };
}

/** The next that comes; short lines come whole. */
async function line(stream: Readable): Promise<string> {
  const chunk = (stream.read() as Buffer | null) ?? (await new Promise<Buffer>((resolve) => stream.once("data", (data: Buffer) => {
    stream.pause();
    resolve(data);
  }).resume()));
  return chunk.toString("utf8").replaceAll("\r", "");
}

/** Waits until a text has come. */
function follow(stream: Readable): (wanted: string) => Promise<void> {
  let seen = "";
  let tell = (): void => undefined;
  stream.on("data", (chunk: Buffer) => {
    seen += chunk.toString("utf8");
    tell();
  });
  return async (wanted) => {
    while (!seen.includes(wanted)) await new Promise<void>((resolve) => (tell = resolve));
  };
}
