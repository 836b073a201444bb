import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { BuildError } from "../../src/doors/build.ts";
import { finished, openWorkshop, type Workshop } from "./workshop.ts";

let workshop: Workshop;

before(async () => {
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
});

test("complete-materials=true fails a build whose local directories nobody else can look up, before anything is written", async () => {
  const out = join(workshop.path, "never");
  const outputs = [`type=local,dest=${out}`, `type=oci,dest=${out}.tar`, "type=image"];
  const failure: unknown = await workshop.build("FROM scratch\nCOPY a /a\n", { files: { a: "a\n" }, outputs, provenance: "mode=max,complete-materials=true,inline-only=true" }).catch((error: unknown) => error);
  assert.ok(failure instanceof BuildError);
  assert.equal(failure.code, "verification");
  assert.equal(failure.message, "failed to solve: provenance materials are incomplete\n\nThe build requested complete provenance materials, but not all dependencies could be captured.\n\nUncaptured local sources:\n  - context\n    reason: local_source\n  - dockerfile\n    reason: local_source");
  assert.ok(!existsSync(out) && !existsSync(`${out}.tar`));
});

test("complete-materials=true lets a build through all of whose inputs have a name", async () => {
  const directory = await workshop.directory({ Dockerfile: "FROM scratch\nCOPY a /a\n", a: "a\n" });
  const { stdout } = spawnSync("tar", ["-C", directory, "-c", "Dockerfile", "a"]);
  const { dockerfile: _, ...request } = await workshop.request("", { provenance: "mode=max,complete-materials=true" });
  await finished({ ...request, context: { archive: (async function* () { yield stdout; })() } });
});
