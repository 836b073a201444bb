import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { runProcess } from "../../src/host/process.ts";
import { COMMAND } from "../../src/testing/command-path.ts";
import { makeFrontendImage } from "./frontend/frontend-image.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

const FRONTEND = "example.com/test/frontend:1";

interface Used {
  readonly ID: string;
  readonly Size: string;
  readonly Type: string;
  readonly Description: string;
}

let workshop: Workshop;
before(async () => {
  if (runSkip === false) workshop = await openWorkshop();
});
after(async () => {
  if (runSkip === false) await workshop[Symbol.asyncDispose]();
});

async function stemma(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess({ argv: [process.execPath, COMMAND, ...args, "--root", workshop.root], env: process.env }, AbortSignal.timeout(60_000));
  assert.equal(exitCode, 0, stderr.toString("utf8"));
  return stdout.toString("utf8");
}

async function used(...filters: readonly string[]): Promise<readonly Used[]> {
  const text = await stemma("du", "--format=json", ...filters.flatMap((filter) => ["--filter", filter]));
  return text.trim().split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Used);
}

test("layers of a frontend's image are told as such, add up as others do, and stay unless all is to go", { skip: runSkip, timeout: 180_000 }, async () => {
  const layout = await makeFrontendImage(workshop, { "moby.buildkit.frontend.caps": "moby.buildkit.frontend.contexts" });
  assert.deepEqual(await used("type=frontend"), []);
  await workshop.tree(`# syntax=${FRONTEND}\n${JSON.stringify({ write: { a: "b" } })}`, { buildContexts: { [FRONTEND]: `oci-layout://${layout}` } });
  const frontends = await used("type=frontend");
  assert.ok(frontends.length > 0);
  assert.ok(frontends.every(({ Type, Description }) => Type === "frontend" && Description === "layer of a frontend's image"), JSON.stringify(frontends));
  const ids = frontends.map(({ ID }) => ID);
  assert.deepEqual((await used("type!=frontend")).filter(({ ID }) => ids.includes(ID)), []);
  assert.match(await stemma("du", "--verbose", "--filter", "type=frontend"), /^Type: +frontend$/m);

  await stemma("prune", "-f");
  assert.deepEqual((await used()).filter(({ Type }) => Type === "regular"), []);
  assert.deepEqual((await used("type=frontend")).map(({ ID }) => ID).toSorted(), ids.toSorted());
  await stemma("prune", "-af");
  assert.deepEqual(await used(), []);
});
