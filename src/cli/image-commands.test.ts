import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { conformanceFolder } from "../testing/conformance.ts";
import { layoutWithLayers } from "../testing/sample-layers.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { explainFailure } from "./failure.ts";
import { command as inspect } from "./imagetools-inspect.ts";
import { command as trace } from "./trace.ts";

const samples = conformanceFolder("samples");

async function run(command: Command, ...args: readonly string[]): Promise<{ readonly stdout: string; readonly status: number; readonly message?: string }> {
  const written: Array<string | Uint8Array> = [];
  const stdout = (): string => written.map((part) => Buffer.from(part).toString()).join("");
  const io = { stdout: (part: string | Uint8Array) => void written.push(part), stderr: () => undefined, env: {}, cwd: "/", signal: new AbortController().signal };
  try {
    const status = await command.run(args, io);
    return { stdout: stdout(), status };
  } catch (error) {
    const { message, exitCode } = explainFailure(error);
    return { stdout: stdout(), status: exitCode, message };
  }
}

test("imagetools inspect prints without a newline of its own, and explains what is wrong", { skip: samples.skip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  const name = `oci-layout://${layout.path}`;
  assert.deepEqual(await run(inspect, "--format", "{{.Image.OS}}", name), { stdout: "linux", status: EXIT.ok });
  assert.equal((await run(inspect, "--raw", name)).stdout.endsWith("}"), true);
  assert.deepEqual(await run(inspect, "--raw", "--format", "{{.Name}}", name), { stdout: "", status: EXIT.usage, message: "ERROR: format and raw cannot be used together" });
  assert.deepEqual(await run(inspect, "--format", "{{.Image.OS}}{{.Nope}}", name), {
    stdout: "linux", status: EXIT.usage, message: "ERROR: template: :1:15: executing \"\" at <.Nope>: can't evaluate field Nope in type imagetools.tplInput",
  });
  assert.deepEqual(await run(inspect, `${name}:none`), { stdout: "", status: EXIT.registry, message: `ERROR: ${name}:none: not found` });
  assert.equal((await run(inspect)).status, EXIT.usage);
  assert.equal((await run(inspect, "--nope", name)).status, EXIT.usage);
});

test("trace answers in text and in JSON, and its status says whether all could be told", { skip: samples.skip }, async () => {
  using full = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  using min = await layoutWithLayers(join(samples.path, "05-prov-min-v1/registry"));
  const [name, minName] = [full, min].map(({ path }) => `oci-layout://${path}`);
  assert.ok(name !== undefined && minName !== undefined);
  const json = await run(trace, "--format", "json", "--path", "/deb.txt", name);
  assert.equal(json.status, EXIT.ok);
  const answer = JSON.parse(json.stdout) as { layers: Array<{ number: number; origin: { step: { lines: Array<{ start: number }> } } }> };
  assert.deepEqual(answer.layers.map(({ number, origin }) => [number, origin.step.lines[0]?.start]), [[3, 17]]);
  assert.match((await run(trace, name)).stdout, /Dockerfile:18/);
  assert.equal((await run(trace, "--path", "/none", name)).status, EXIT.other);
  assert.equal((await run(trace, minName)).status, EXIT.other);
  assert.match((await run(trace, "--line", "17", minName)).stdout, /missing .*mode=min/);
});

test("trace refuses questions that are none", async () => {
  for (const args of [["--path", "a", "--line", "1", "x"], ["--file", "a", "x"], ["--line", "0", "x"], ["--format", "xml", "x"], [], ["a", "b"]]) {
    assert.equal((await run(trace, ...args)).status, EXIT.usage, args.join(" "));
  }
});
