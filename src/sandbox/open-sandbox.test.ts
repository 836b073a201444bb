import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openMountNamespace } from "../namespace/open-mount-namespace.ts";
import { openSandbox, probeSandboxes, type SandboxOptions } from "./open-sandbox.ts";
import { runToEnd } from "./run-to-end.ts";
import { seccompProfile } from "./seccomp-profile.ts";
import { fillSmallRoot } from "./small-root.contract.ts";

const signal = new AbortController().signal;
const environment = process.env;
const skip = process.getuid?.() === 0 ? false : "needs root";

/** Any user without privilege; this one exists everywhere. */
const NOBODY = 65_534;

test("without control groups the fallback is taken, and an OCI runtime is refused with the reason", { skip }, async () => {
  await using namespace = await openMountNamespace({ environment }, signal);
  const stateDirectory = mkdtempSync(join(tmpdir(), "stemma-state-"));
  try {
    await runToEnd(namespace, ["umount", "--recursive", "--lazy", "/sys/fs/cgroup"], signal);
    const sandbox = await openSandbox({ namespace, stateDirectory, prefer: "auto", environment }, signal);
    assert.deepEqual(sandbox.isolation, { runtime: "namespaces", seccomp: seccompProfile(process.arch) !== undefined, rootless: false });
    await assert.rejects(openSandbox({ namespace, stateDirectory, prefer: "runc", environment }, signal), { code: "unavailable", message: /^runc (needs control groups mounted|is not installed)/ });
  } finally {
    rmSync(stateDirectory, { recursive: true });
  }
});

test("the probe reports on each runtime and starts nothing", { skip }, async () => {
  await using namespace = await openMountNamespace({ environment }, signal);
  const reports = await probeSandboxes({ namespace, environment }, signal);
  assert.deepEqual(reports.map((report) => report.runtime), ["crun", "runc", "namespaces"]);
  for (const report of reports) assert.ok(report.available || report.reason !== "");
});

test("no runtime is started for its version where another is taken without", { skip }, async (context) => {
  await using namespace = await openMountNamespace({ environment }, signal);
  const folder = mkdtempSync(join(tmpdir(), "stemma-asked-"));
  const log = join(folder, "log");
  const versions = { crun: "crun version 1.8.1\n+SECCOMP", runc: "runc version 1.1.5\nlibseccomp: 2.5.4" };
  const askedBy = async (prefer: SandboxOptions["prefer"], told: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    writeFileSync(log, "");
    for (const [name, version] of Object.entries(told)) writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} >> ${log}\necho '${version}'\n`, { mode: 0o755 });
    const sandbox = await openSandbox({ namespace, stateDirectory: join(folder, "state"), prefer, environment: { PATH: `${folder}:${environment["PATH"] ?? ""}` } }, signal);
    return [...readFileSync(log, "utf8").trim().split("\n"), sandbox.isolation.runtime];
  };
  try {
    const [{ reason } = { reason: "" }] = await probeSandboxes({ namespace, environment }, signal);
    if (/control groups/.test(reason)) return context.skip(reason);
    assert.deepEqual(await askedBy("auto", versions), ["crun", "crun"]);
    assert.deepEqual(await askedBy("auto", { ...versions, crun: "crun version 1.8.1" }), ["crun", "runc", "runc"]);
    for (const name of ["crun", "runc"] as const) assert.deepEqual(await askedBy(name, versions), [name, name]);
    assert.deepEqual(await askedBy("namespaces", versions), ["", "namespaces"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const prefer of ["runc", "namespaces"]) {
  test(`a user without privilege is root of the tree alone (${prefer})`, { skip }, async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "stemma-rootless-"));
    fillSmallRoot(join(folder, "root"));
    for (const path of ["", "root", "root/etc", "root/mnt"]) chownSync(join(folder, path), NOBODY, NOBODY);
    const argv = [process.execPath, "--input-type=module-typescript", "-e", PROGRAM, join(import.meta.dirname, ".."), folder, prefer];
    const child = spawn("setpriv", [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    const [text, complaint] = await Promise.all([drain(child.stdout), drain(child.stderr)]);
    rmSync(folder, { recursive: true });
    if (/EACCES|ERR_MODULE_NOT_FOUND|Cannot find|not-permitted|is not installed/.test(complaint)) return context.skip(complaint.split("\n")[0] ?? "");
    assert.equal(text, "0\nwritten\nlo\ntrue user\n", complaint);
  });
}

/** Runs as the user without privilege; its own id is the only one, so that another user is refused. */
const PROGRAM = `
  const [sources, folder, prefer] = process.argv.slice(1);
  const { openMountNamespace } = await import(sources + "/namespace/open-mount-namespace.ts");
  const { openSandbox } = await import(sources + "/sandbox/open-sandbox.ts");
  const signal = new AbortController().signal;
  await using namespace = await openMountNamespace({ environment: process.env }, signal);
  const sandbox = await openSandbox({ namespace, stateDirectory: folder + "/state", prefer, environment: process.env }, signal);
  const script = "id -u; echo x > /mnt/x && echo written; tail -n +3 /proc/net/dev | cut -d : -f 1 | tr -d ' '";
  const step = { argv: ["/bin/sh", "-c", script], env: [], cwd: "/mnt", user: "", network: "none", hostname: "", extraHosts: [], limits: [], group: undefined, mounts: [], devices: [], insecure: false, readOnlyRoot: false, input: undefined, onUsage: undefined, onOutput: (_, chunk) => process.stdout.write(chunk) };
  const tree = { rootPath: folder + "/root", viewPath: folder + "/root" };
  await sandbox.run(step, tree, signal);
  const refusal = await sandbox.run({ ...step, user: "app" }, tree, signal).catch((error) => error.code);
  console.log(sandbox.isolation.rootless, refusal);`;

async function drain(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk.toString("utf8");
  return text;
}
