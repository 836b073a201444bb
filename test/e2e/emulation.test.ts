import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempDisposable, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { hostPlatform } from "../../src/host/host-platform.ts";
import { matchesPlatform } from "../../src/oci/platform-match.ts";
import { runsPrograms } from "../../src/ops/runs-programs.ts";
import { ARCHITECTURES, smallestProgram } from "../../src/ops/smallest-program.ts";
import { openWorkshop, runSkip, type Files, type Workshop } from "./workshop.ts";

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

const machine = hostPlatform();
const foreign = ARCHITECTURES.filter((architecture) => !matchesPlatform(machine, { os: machine.os, architecture }));

/** The first that this machine runs, and the first that it does not. */
async function oneOfEach(): Promise<{ readonly emulated: string | undefined; readonly missing: string | undefined }> {
  await using scratch = await mkdtempDisposable(join(tmpdir(), "stemma-emulation-"));
  const runs = runsPrograms({ claim: () => scratch.path, discard: async (path) => await rm(join(path, "program"), { force: true }) });
  const known = new Map<string, boolean | undefined>();
  for (const architecture of foreign) known.set(architecture, await runs(architecture));
  return { emulated: foreign.find((architecture) => known.get(architecture)), missing: foreign.find((architecture) => known.get(architecture) === false) };
}

const { emulated, missing } = runSkip === false ? await oneOfEach() : { emulated: undefined, missing: undefined };
const DOCKERFILE = 'FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH /program\nRUN ["/program"]\n';

function programs(...architectures: readonly string[]): Files {
  return Object.fromEntries(architectures.map((architecture) => [architecture, smallestProgram(architecture) ?? assert.fail(architecture)]));
}

// With the real thing: as root, mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc, and apt-get install qemu-user-static binfmt-support.
describe("a RUN for another architecture", { skip: runSkip }, () => {
  for (const sandbox of ["runc", "crun", "namespaces", "chroot"] as const) {
    const lacks = sandbox === "runc" || sandbox === "crun" ? spawnSync(sandbox, ["--version"]).status !== 0 && `${sandbox} is not installed` : false;
    const skip = emulated === undefined ? "this machine has no emulator for programs of another architecture" : lacks;
    test(`runs in ${sandbox} where an emulator is registered for it`, { skip }, async () => {
      const both = [machine.architecture, emulated ?? ""];
      const files = programs(...both);
      const context = await workshop.directory(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes])));
      const { outcome, ran } = await workshop.build(DOCKERFILE.replace("COPY", "COPY --chmod=755"), { context, sandbox, noCache: true, platforms: both.map((architecture) => `linux/${architecture}`), outputs: ["type=oci,dest=/dev/null"] });
      assert.deepEqual(outcome.platforms.map(({ platform }) => platform.architecture).toSorted(), both.toSorted());
      assert.equal(ran.filter((name) => name.includes("RUN")).length, 2, ran.join("\n"));
      assert.deepEqual(outcome.sandboxes, [sandbox]);
    });
  }

  test("is refused by the name of the emulator that is missing", { skip: missing === undefined && "this machine runs programs of every architecture" }, async () => {
    const run = workshop.build(DOCKERFILE, { files: programs(missing ?? ""), platforms: [`linux/${missing}`], noCache: true });
    await assert.rejects(run, { code: "unsupported", message: new RegExp(`RUN for linux/${missing}(/v7)? cannot run on this machine \\(linux/${machine.architecture}[^)]*\\): (the emulator qemu-\\w+ is |emulators are )`) });
  });
});
