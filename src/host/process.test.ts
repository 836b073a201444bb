import assert from "node:assert/strict";
import { existsSync, mkdtempDisposableSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { runProcess } from "./process.ts";

test("an abort does not wait for what the command has started, though it holds the command's output", { timeout: 30_000 }, async () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-process-"));
  const started = join(scratch.path, "started");
  const abort = new AbortController();
  const script = 'sleep 600 & echo $! > "$1.new"; mv "$1.new" "$1"; wait';
  const run = runProcess({ argv: ["/bin/sh", "-c", script, "sh", started], env: { PATH: process.env["PATH"] ?? "" } }, abort.signal);
  run.catch(() => undefined);
  while (!existsSync(started)) await delay(10);
  try {
    abort.abort(new Error("enough"));
    await assert.rejects(run, /^Error: enough$/);
  } finally {
    process.kill(Number(readFileSync(started, "utf8")), "SIGKILL");
  }
});
