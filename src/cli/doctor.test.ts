import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Diagnosis } from "../doors/doctor.ts";
import { findExecutable } from "../host/executable.ts";
import { runProcess } from "../host/process.ts";
import { COMMAND, COMPILE_CACHE } from "../testing/command-path.ts";
import { DOCKER_REGISTRY_USER, dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import { startFakeRegistry, type FakeRegistryOptions } from "../testing/fake-registry.ts";
import { REFUSING } from "../testing/refusing-registries.ts";
import { command } from "./doctor.ts";
import { describeDiagnosis } from "./doctor-text.ts";

test("tells people and programs the same, and its status says whether a build could run", async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), "stemma-doctor-"));
  const json = await run(["--format", "json", "--root", root.path]);
  const diagnosis = JSON.parse(json.stdout) as Diagnosis;
  assert.deepEqual(Object.keys(diagnosis), [
    "platform", "nodeVersion", "canRun", "mountNamespace", "sandbox", "snapshotter", "defaultNetwork", "emulated", "state", "settings", "collection", "proxies", "authorities", "git",
  ]);
  assert.deepEqual([diagnosis.state.path, diagnosis.state.exists], [root.path, true]);
  assert.equal(json.status, diagnosis.canRun ? 0 : 71);
  const text = await run(["--root", root.path]);
  assert.equal(text.stdout.includes(`RUN           ${diagnosis.canRun ? "can" : "cannot"} run here`), true);
  assert.equal(text.status, json.status);
});

const poor = process.geteuid?.() === 0 ? findExecutable("setpriv", process.env) : undefined;
test("where nothing can be mounted it says why and what to do, with the status for it", { skip: poor === undefined && "needs root and setpriv, to give its privileges up" }, async () => {
  using root = mkdtempDisposableSync(join(tmpdir(), "stemma-doctor-"));
  const argv = [poor ?? "", "--bounding-set=-all", "--inh-caps=-all", process.execPath, COMMAND, "doctor", "--root", root.path] as const;
  const { exitCode, stdout } = await runProcess({ argv, env: { PATH: process.env["PATH"], ...COMPILE_CACHE } }, AbortSignal.timeout(30_000));
  assert.equal(exitCode, 71);
  assert.match(stdout.toString(), /^sandbox +none\n +not runc: needs a mount namespace$/m);
  assert.match(stdout.toString(), /^mounts +this machine gives root without CAP_SYS_ADMIN no mount namespace .*\n +\S+/m);
});

test("state that cannot be written has a status of its own", async () => {
  const { status, stdout } = await run(["--root", "/proc/stemma"]);
  assert.equal(status, 74);
  assert.match(stdout, /\n +\/proc cannot be written: use another --root\n/);
});

test("tells what is collected after each build, in the settings' words and in bytes of this disk", async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), "stemma-doctor-"));
  mkdirSync(join(home.path, "stemma"));
  const told = async (settings: string): Promise<string> => {
    writeFileSync(join(home.path, "stemma", "stemma.toml"), settings);
    return (await run(["--root", home.path], { XDG_CONFIG_HOME: home.path })).stdout;
  };
  assert.match(await told("[worker.oci]\ngc = false"), /^collection +none: stemma prune makes room$/m);
  assert.match(await told('[[worker.oci.gcpolicy]]\nkeepDuration = "48h"\nfilters = ["type==regular", "mutable"]\nmaxUsedSpace = 1500000000\n[[worker.oci.gcpolicy]]\nall = true\nreservedSpace = "1%"'),
    /^collection +after each build, all but blobs, type==regular or mutable, not used for 48h, maxUsedSpace 1\.5GB\n +after each build, all, reservedSpace \d+GB$/m);
  assert.match(await told("[worker.oci]\nmaxUsedSpace = true"), /^settings .*\n +.*stemma\.toml: worker\.oci\.maxUsedSpace: true is no size .*\ncollection +none/m);
});

test("of a registry it tells who we are, whether a push is taken, and how evidence is kept", { skip: dockerRegistrySkip }, async () => {
  await using registry = await startDockerRegistry({ auth: "basic" });
  using home = mkdtempDisposableSync(join(tmpdir(), "stemma-doctor-"));
  const { username, password } = DOCKER_REGISTRY_USER;
  writeFileSync(join(home.path, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } } }));
  const known = await run(["--root", home.path, `${registry.host}/team/app:1`], { DOCKER_CONFIG: home.path });
  assert.match(known.stdout, /\ncredentials +user "stemma" \(from .*config\.json\)\npush +taken\nreferrers +not kept by the registry/);
  assert.ok(!known.stdout.includes(password));
  const unknown = await run(["--root", home.path, "--format=json", `${registry.host}/team/app:1`]);
  const { registry: probe, canRun } = JSON.parse(unknown.stdout) as { readonly canRun: boolean; readonly registry: { readonly push: { readonly kind: string; readonly code: string } } };
  assert.deepEqual([probe.push.kind, probe.push.code, unknown.status], ["refused", "unauthorized", canRun ? 77 : 71]);
});

test("of a registry it tells in which forms evidence can be stored there", async () => {
  using home = mkdtempDisposableSync(join(tmpdir(), "stemma-doctor-"));
  const told = async (options: FakeRegistryOptions): Promise<string> => {
    await using registry = await startFakeRegistry(options);
    const { stdout } = await run(["--root", home.path, "--registry", `${registry.host}/team/app:1`]);
    assert.equal(registry.manifests.size + registry.tags.size, 0);
    return stdout.slice(stdout.indexOf("\npush "));
  };
  assert.equal(await told({}), `
push         taken
referrers    kept by the registry
attestations taken as OCI artifacts
subjects     taken: evidence may refer to an image whose tag stays plain (--attest-store=referrers)
`);
  const aliyun = await told({ refuse: REFUSING.emptyConfig, referrers: false });
  assert.match(aliyun, /^attestations not taken as OCI artifacts \(status 403: DENIED: unknown manifest class for application\/vnd\.oci\.empty\.v1\+json\): a build stores them in the older form/m);
  assert.match(aliyun, /^subjects {5}taken: /m);
  assert.match(await told({ refuse: REFUSING.subjects }), /^subjects {5}not taken \(status 400: MANIFEST_INVALID: .*\): evidence stands in the index, or apart/m);
});

test("flags that it does not know, and values that cannot be, are usage errors", async () => {
  for (const args of [["--fix"], ["--format", "yaml"], ["a", "b"], ["--registry", "a", "b"]]) await assert.rejects(run(args), { code: "usage" });
});

test("a machine that gives nothing is told all of it, with what to do", () => {
  assert.equal(describeDiagnosis(POOR_MACHINE), `machine       linux/arm64, Node 24.0.0
RUN           cannot run here; a Dockerfile without RUN needs no sandbox
sandbox       none
              not runc: needs a mount namespace
network       RUN has the host's; --network=none isolates it
emulation     a RUN for riscv64 goes through it
mounts        this machine gives user 1000 no mount namespace
              run as root
snapshotter   unknown: nothing can be mounted without a mount namespace
state         /home/me/.local/share/stemma (not there yet), 1.5 GiB free
settings      /home/me/.config/stemma/stemma.toml
              /home/me/.config/stemma/stemma.toml: unknown key regstry
collection    none: stemma prune makes room
proxies       HTTPS_PROXY=http://xxxxx:xxxxx@proxy:3128
authorities   the list that Node brings, as this machine has none in a known place
              SSL_CERT_FILE=/nope.pem: cannot be read (ENOENT), and no TLS connection can be made
git           not installed: no commit is checked or recorded
`);
});

test("a sandbox that is not the best says why, and what it lacks", () => {
  const runtimes: Diagnosis["sandbox"]["runtimes"] = [
    { runtime: "runc", available: false, seccomp: false, reason: "runc is not installed" },
    { runtime: "crun", available: true, seccomp: false, reason: "no seccomp: the kernel lacks it" },
    { runtime: "namespaces", available: true, seccomp: false, reason: "no seccomp and no control groups" },
  ];
  const text = describeDiagnosis({ ...POOR_MACHINE, canRun: true, sandbox: { chosen: "crun", runtimes }, snapshotter: { kind: "copy", reason: "EINVAL" } });
  assert.match(text, /^RUN +can run here\nsandbox +crun, no seccomp: the kernel lacks it\n +not runc: runc is not installed\nnetwork/m);
  assert.match(text, /^snapshotter +copy, which is slower: no overlay here \(EINVAL\)$/m);
});

const POOR_MACHINE: Diagnosis = {
  platform: { os: "linux", architecture: "arm64" },
  nodeVersion: "24.0.0",
  canRun: false,
  mountNamespace: { kind: "unavailable", reason: "this machine gives user 1000 no mount namespace\nrun as root" },
  sandbox: { chosen: undefined, runtimes: [{ runtime: "runc", available: false, seccomp: false, reason: "needs a mount namespace" }] },
  snapshotter: { kind: "unknown", reason: "nothing can be mounted without a mount namespace" },
  defaultNetwork: "host",
  emulated: ["riscv64"],
  state: { path: "/home/me/.local/share/stemma", exists: false, writable: true, nearest: "/home/me", freeBytes: 1.5 * 1024 ** 3 },
  settings: { path: "/home/me/.config/stemma/stemma.toml", exists: true, problem: "/home/me/.config/stemma/stemma.toml: unknown key regstry" },
  collection: [],
  proxies: [{ name: "HTTPS_PROXY", value: "http://xxxxx:xxxxx@proxy:3128" }],
  authorities: [{ from: "machine", path: undefined, problem: undefined }, { from: "SSL_CERT_FILE", path: "/nope.pem", problem: "ENOENT" }],
  git: undefined,
};

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ readonly status: number; readonly stdout: string }> {
  let stdout = "";
  const status = await command.run(args, {
    stdin: Readable.from([]),
    stdout: (text) => void (stdout += text),
    streamOut: async (chunk) => void (stdout += Buffer.from(chunk).toString()),
    stderr: () => undefined, terminal: undefined, isStdoutTerminal: false,
    env: { PATH: process.env["PATH"], ...env },
    cwd: "/",
    signal: new AbortController().signal,
  });
  return { status, stdout };
}
