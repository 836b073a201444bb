import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { cp, mkdtemp, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { codeBlocks, openShell, PROJECT } from "./shell-document.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

const EXAMPLES: readonly string[] = globSync("examples/*/README.md", { cwd: PROJECT }).map((path) => basename(join(path, ".."))).toSorted();

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

/** What differs from run to run, or from machine to machine. */
function stable(output: string): string {
  return output
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:…")
    .replaceAll(/linux\/(?:amd64|arm64)/g, "linux/…")
    .replaceAll(/(?<=sha256:…, )\d+ bytes/g, "… bytes")
    .replaceAll(/\/\S*\/stemma-library-[^/]*/g, "/…");
}

test("there is an example for each way to build", () => {
  assert.deepEqual(EXAMPLES, ["01-hello", "02-greet", "03-library"]);
});

for (const name of EXAMPLES) {
  test(`examples/${name} does what its README says, and prints what is expected`, { skip: name === "02-greet" ? runSkip : false }, async () => {
    const directory = await mkdtemp(join(workshop.path, `${name}-`));
    // Away from the repository, whose state of the day would be in the record.
    await cp(join(PROJECT, "examples"), join(directory, "examples"), { recursive: true });
    await cp(join(PROJECT, "package.json"), join(directory, "package.json"));
    await symlink(join(PROJECT, "src"), join(directory, "src"));
    const shell = await openShell({ directory, buildFlags: runSkip === false ? ["--build-context", `busybox=oci-layout://${workshop.base}`] : [] });
    const blocks = codeBlocks(readFileSync(join(PROJECT, "examples", name, "README.md"), "utf8"), "sh");
    assert.ok(blocks.length > 0);
    const output = stable(await shell.run(blocks.join("")));
    compare(join(PROJECT, "examples", name, "expected.txt"), output);
  });
}

/** UPDATE_GOLDEN=1 rewrites; the diff is then the review. */
function compare(path: string, output: string): void {
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, output);
  assert.ok(existsSync(path), `${path} is missing`);
  assert.equal(output, readFileSync(path, "utf8"));
}
