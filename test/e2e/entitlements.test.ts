import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openWorkshop, runSkip, type Workshop, type WorkshopBuild } from "./workshop.ts";

const skip = runSkip !== false ? runSkip : process.getuid?.() === 0 ? false : "devices and capabilities need root";

const DEVICES = `
cdiVersion: "0.6.0"
kind: "vendor1.com/device"
annotations:
  org.mobyproject.buildkit.device.class: class1
containerEdits:
  env:
    - OF_THE_FILE=once
devices:
  - name: nil
    containerEdits:
      env:
        - DEVICE=nil
      deviceNodes:
        - path: /dev/vendor/nil
          hostPath: /dev/null
          fileMode: 0600
      mounts:
        - hostPath: MOUNTED
          containerPath: /usr/lib/vendor
          options: [ro, bind]
  - name: fuse
    containerEdits:
      env:
        - SECOND=fuse
      deviceNodes:
        - path: /dev/fuse
`;

let workshop: Workshop;
let env: Readonly<Record<string, string>>;

before(async () => {
  workshop = await openWorkshop();
  const settings = join(workshop.path, "settings/stemma");
  for (const folder of [settings, join(workshop.path, "cdi"), join(workshop.path, "mounted")]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(workshop.path, "mounted/library"), "of the vendor\n");
  writeFileSync(join(workshop.path, "cdi/vendor1.yaml"), DEVICES.replace("MOUNTED", join(workshop.path, "mounted")));
  writeFileSync(join(workshop.path, "cdi/vendor2.json"), JSON.stringify({ cdiVersion: "0.6.0", kind: "vendor2.com/device", annotations: { "org.mobyproject.buildkit.device.autoallow": "true" }, devices: [{ name: "free", containerEdits: { env: ["FREE=yes"] } }] }));
  const hooks = [
    { hookName: "createRuntime", path: "/bin/sh", args: ["sh", "-c", `cat > "$TOLD"`], env: [`TOLD=${join(workshop.path, "told")}`], timeout: 20 },
    { hookName: "startContainer", path: "/bin/sh", args: ["sh", "-c", "echo written inside > /of-the-hook"] },
  ];
  writeFileSync(join(workshop.path, "cdi/vendor4.json"), JSON.stringify({ cdiVersion: "0.7.0", kind: "vendor4.com/device", devices: [{ name: "hooked", containerEdits: { hooks, additionalGids: [0, 4711, 4711] } }] }));
  writeFileSync(join(settings, "stemma.toml"), `[cdi]\nspecDirs = [${JSON.stringify(join(workshop.path, "cdi"))}]\n`);
  env = { ...workshop.env, XDG_CONFIG_HOME: join(workshop.path, "settings"), BUILDX_METADATA_PROVENANCE: "max" };
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

interface Metadata {
  readonly stemma_hermetic?: unknown;
  readonly stemma_isolation?: readonly unknown[];
}

/** What a RUN prints, and what the record says of the build. */
async function run(run: string, options: WorkshopBuild = {}): Promise<{ readonly output: string; readonly metadata: Metadata }> {
  const labs = run.includes("--device") ? "# syntax=docker/dockerfile:1-labs\n" : "";
  const built = await workshop.build(`${labs}FROM base\nRUN ${run} && cat /dev/null > /made\n`, { noCache: true, env, provenance: "mode=max", ...options, outputs: [`type=oci,tar=false,dest=${join(workshop.path, "image")},name=image:1`] });
  // Ours: its shape is known.
  const { "buildx.build.provenance": statement } = JSON.parse(Buffer.from(built.outcome.metadata).toString("utf8")) as { readonly "buildx.build.provenance": { readonly metadata: Metadata } };
  return { output: built.output, metadata: statement.metadata };
}

async function refused(instruction: string, message: RegExp, options: WorkshopBuild = {}): Promise<void> {
  await assert.rejects(run(instruction, options), (error: Error & { readonly code: string }) => {
    assert.match(error.message, message);
    return ["unsupported", "missing-input", "dockerfile", "device"].includes(error.code);
  });
}

test("RUN --network=host needs to be allowed, and nothing runs before that is looked at", { skip }, async () => {
  await refused("--network=host true", /^failed to solve: failed to load LLB: network\.host is not allowed/);
  await assert.rejects(workshop.build("FROM base\nRUN echo early\nRUN --network=host true\n", { env }), /network\.host is not allowed/);
  const { ran } = await workshop.build("FROM base\nRUN echo early\n", { env });
  assert.ok(ran.some((name) => name.includes("echo early")), "it had not run");
});

test("RUN --network=host runs where it is allowed, and where the whole build has the host's network", { skip }, async () => {
  const interfaces = "--network=host cut -d: -f1 /proc/net/dev | wc -l";
  const host = readFileSync("/proc/net/dev", "utf8").trimEnd().split("\n").length;
  for (const options of [{ allow: ["network.host"] }, { network: "host" as const }]) {
    const { output, metadata } = await run(interfaces, options);
    assert.equal(Number(output), host);
    assert.deepEqual(metadata.stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["network"] });
  }
});

for (const sandbox of ["runc", "crun", "namespaces"] as const) {
  const missing = sandbox === "namespaces" || spawnSync(sandbox, ["--version"]).status === 0 ? false : `${sandbox} is not installed`;
  describe(`in ${sandbox}`, { skip: skip === false ? missing : skip }, () => {
    test("RUN --security=insecure is refused, and where it is allowed has capabilities, devices and no filter, which is told", async () => {
      const probe = "--security=insecure mount -t tmpfs tmpfs /mnt && echo mounted && grep -E '^(CapEff|Seccomp):' /proc/self/status | cut -f 2 && test -c /dev/loop-control && true < /dev/loop-control && echo opened; grep -c ' ro,' /proc/mounts";
      await refused(probe, /^failed to solve: failed to load LLB: security\.insecure is not allowed/, { sandbox });
      const { output, metadata } = await run(`mkdir -p /mnt\nRUN ${probe}`, { sandbox, allow: ["security.insecure"] });
      const own = /^CapBnd:\s*(\w+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
      // Read-only stay the files of the network alone.
      assert.deepEqual(output.trimEnd().split("\n"), ["mounted", own, "0", "opened", "2"]);
      assert.deepEqual(metadata.stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["network", "security"] });
      assert.deepEqual(metadata.stemma_isolation, [{ runtime: sandbox, seccomp: false, rootless: false }, { runtime: sandbox, seccomp: true, rootless: false }]);
    });

    test("RUN --device gets what the machine's files describe, and nothing else changes", async () => {
      const probe = "--device=vendor1.com/device=nil,required ls -l /dev/vendor/nil | cut -c 1-10 && echo x > /dev/vendor/nil && cat /usr/lib/vendor/library && ! touch /usr/lib/vendor/new 2>/dev/null && echo $DEVICE $OF_THE_FILE $SECOND && ls /dev/fuse /dev/loop-control 2>/dev/null | wc -l && grep ^Seccomp: /proc/self/status | cut -f 2";
      const { output, metadata } = await run(probe, { sandbox, allow: ["device"] });
      assert.equal(output, "crw-------\nof the vendor\nnil once\n0\n2\n");
      assert.deepEqual(metadata.stemma_hermetic, { verified: false, check: "inputs", uncaptured: ["device", "network"] });
      const open = "true < /dev/fuse && echo opened $SECOND $OF_THE_FILE $DEVICE";
      assert.equal((await run(`--device=vendor1.com/device=fuse ${open}`, { sandbox, allow: ["device=vendor1.com/device=fuse"] })).output, "opened fuse once\n");
      assert.equal((await run(`--device=vendor1.com/device=* ${open}`, { sandbox, allow: ["device"] })).output, "opened fuse once nil\n");
    });

    test("RUN --device has the device's hooks run around the step, and its groups", async () => {
      rmSync(join(workshop.path, "told"), { force: true });
      const step = "--device=vendor4.com/device=hooked cat /proc/sys/kernel/hostname /of-the-hook && grep ^Groups: /proc/self/status | tr '\\t' ' '";
      // They are the runtime's, and ours has none.
      if (sandbox === "namespaces") return await refused(step, /^failed to solve: a device asks for hooks, which the namespaces sandbox does not have: use --sandbox=runc or --sandbox=crun$/, { sandbox, allow: ["device"] });
      const { output } = await run(step, { sandbox, allow: ["device"] });
      assert.match(output, /^buildkitsandbox\nwritten inside\nGroups:( 0)? 4711 ?\n$/);
      // The state of a container that is being made; runtimes differ in its word.
      const state = JSON.parse(readFileSync(join(workshop.path, "told"), "utf8")) as { readonly status: string; readonly pid: number };
      assert.match(state.status, /^creat(ing|ed)$/);
      assert.ok(state.pid > 0);
    });
  });
}

test("a device is refused where it is not allowed, not registered or not of the stable language", { skip }, async () => {
  await refused("--device=vendor1.com/device=nil true", /^failed to solve: failed to load LLB: device vendor1\.com\/device=nil is requested by the build but not allowed/);
  await refused("--device=vendor1.com/device=class1 true", /: devices vendor1\.com\/device=fuse, vendor1\.com\/device=nil are requested by the build but not allowed/, { allow: ["device=vendor2.com/device"] });
  await refused("--device=vendor1.com/device=absent,required true", /: required device "vendor1\.com\/device=absent" is not registered/, { allow: ["device"] });
  await refused("--device=nonsense true", /: invalid device "nonsense"/, { allow: ["device"] });
  await assert.rejects(workshop.build("FROM base\nRUN --device=vendor1.com/device=nil true\n", { env, allow: ["device"] }), /device feature is only supported in Dockerfile frontend 1\.14\.0-labs or later/);
  await assert.rejects(workshop.build("FROM base\n", { env, allow: ["everything"] }), { message: /unknown entitlement everything$/ });
});

test("a device that is optional may be absent, one may have another name, and the machine may allow one to all", { skip }, async () => {
  assert.equal((await run("--device=vendor1.com/device=absent echo [$DEVICE]")).output, "[]\n");
  assert.equal((await run("--device=vendor9.com/gpu=0 echo [$DEVICE]", { allow: ["device=vendor1.com/device=nil,alias=vendor9.com/gpu=0"] })).output, "[nil]\n");
  assert.equal((await run("--device=vendor2.com/device echo [$FREE]")).output, "[yes]\n");
});

describe("a device that only some runtimes can give", { skip }, () => {
  let options: WorkshopBuild;

  before(() => {
    const specs = join(workshop.path, "other-cdi");
    mkdirSync(specs);
    const devices = [
      { name: "cached", containerEdits: { intelRdt: { closID: "1", l3CacheSchema: "L3:0=f" } } },
      { name: "monitored", containerEdits: { intelRdt: { closID: "1", schemata: ["L3:0=f"], enableMonitoring: true } } },
      { name: "connected", containerEdits: { netDevices: [{ hostInterfaceName: "host9", name: "eth9" }] } },
      { name: "plain", containerEdits: { env: ["PLAIN=yes"] } },
    ];
    writeFileSync(join(specs, "shared.json"), JSON.stringify({ cdiVersion: "1.1.0", kind: "vendor3.com/device", devices }));
    mkdirSync(join(workshop.path, "other/stemma"), { recursive: true });
    writeFileSync(join(workshop.path, "other/stemma/stemma.toml"), `[cdi]\nspecDirs = [${JSON.stringify(specs)}]\n`);
    options = { allow: ["device"], env: { ...env, XDG_CONFIG_HOME: join(workshop.path, "other") } };
  });

  /** A runc that says of itself what it can do, and tells what it was given of that. */
  function telling(features: object): WorkshopBuild {
    const folder = join(workshop.path, "telling");
    mkdirSync(folder, { recursive: true });
    const real = spawnSync("sh", ["-c", "command -v runc"], { encoding: "utf8" }).stdout.trim();
    const lines = ['case " $* " in', `*" features "*) echo '${JSON.stringify(features)}'; exit;;`, `*" run "*) cp config.json ${folder}/given; sed -i 's/,"\\(intelRdt\\|netDevices\\)":{.*}//' config.json; sed -i 's/$/}}/' config.json;;`, "esac"];
    writeFileSync(join(folder, "runc"), `#!/bin/sh\n${lines.join("\n")}\nexec ${real} "$@"\n`, { mode: 0o755 });
    return { ...options, sandbox: "runc", env: { ...options.env, PATH: `${folder}:${process.env["PATH"]}` } };
  }

  function given(): { readonly intelRdt?: unknown; readonly netDevices?: unknown } {
    // A bundle's configuration, as far as it is of interest here.
    return (JSON.parse(readFileSync(join(workshop.path, "telling/given"), "utf8")) as { readonly linux: object }).linux;
  }

  const runc = spawnSync("runc", ["--version"]).status === 0 ? false : "runc is not installed";

  test("is an error that names the file where the runtime cannot, and the others of the file are as ever", async () => {
    await refused("--device=vendor3.com/device=cached true", /shared\.json: cached: containerEdits: intelRdt is not supported by the namespaces sandbox: use --sandbox=runc/, { ...options, sandbox: "namespaces" });
    await refused("--device=vendor3.com/device=connected true", /shared\.json: connected: containerEdits: netDevices is not supported by the namespaces sandbox: /, { ...options, sandbox: "namespaces" });
    assert.equal((await run("--device=vendor3.com/device=plain echo [$PLAIN]", options)).output, "[yes]\n");
  });

  test("is passed on to a runc that can", { skip: runc }, async () => {
    await refused("--device=vendor3.com/device=connected true", /: netDevices is not supported by this runc: /, telling({ linux: { netDevices: { enabled: false } } }));
    await refused("--device=vendor3.com/device=monitored true", /: intelRdt is not supported by this runc: /, telling({ linux: { intelRdt: { enabled: true, schemata: true } } }));
    await run("--device=vendor3.com/device=cached true", telling({}));
    assert.deepEqual(given().intelRdt, { closID: "1", l3CacheSchema: "L3:0=f" });
    await run("--device=vendor3.com/device=monitored --device=vendor3.com/device=connected true", telling({ linux: { intelRdt: { enabled: true, schemata: true, monitoring: true }, netDevices: { enabled: true } } }));
    assert.deepEqual(given().intelRdt, { closID: "1", schemata: ["L3:0=f"], enableMonitoring: true });
    assert.deepEqual(given().netDevices, { host9: { name: "eth9" } });
  });
});
