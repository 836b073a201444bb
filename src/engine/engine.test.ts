import assert from "node:assert/strict";
import { existsSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openEngine } from "./engine.ts";

const skip = process.platform === "linux" && process.geteuid?.() === 0 ? false : "needs root on Linux";

test("an engine that is closed while its namespace is being opened leaves no helper behind", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-engine-"));
  const engine = await openEngine({ root: join(scratch.path, "state"), sandboxes: undefined, env: process.env, sandbox: "auto", report: () => undefined });
  const asked = engine.namespace();
  asked.catch(() => undefined);
  await engine[Symbol.asyncDispose]();
  const namespace = await asked;
  assert.equal(existsSync(namespace.viewPath("/")), false);
});

test("an engine that is closed opens no namespace any more", { skip }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-engine-"));
  const engine = await openEngine({ root: join(scratch.path, "state"), sandboxes: undefined, env: process.env, sandbox: "auto", report: () => undefined });
  await engine[Symbol.asyncDispose]();
  await assert.rejects(engine.namespace(), /the engine is closed/);
});
