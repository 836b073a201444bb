import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { defaultCredentials, loadRegistryConfig, openRegistryClient, parseReference, type Descriptor } from "../doors/registry.ts";
import { conformanceFolder } from "../testing/conformance.ts";
import { dockerRegistrySkip, startDockerRegistry } from "../testing/docker-registry.ts";
import type { LayoutDirectory } from "../testing/layout-directory.ts";
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
  const io = { stdin: Readable.from([]), stdout: (part: string | Uint8Array) => void written.push(part), streamOut: async (part: Uint8Array) => void written.push(part), stderr: () => undefined, terminal: undefined, isStdoutTerminal: false, env: {}, cwd: "/", signal: new AbortController().signal };
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

/** Pushes the image named latest, children first. */
async function pushLayout(layout: LayoutDirectory, reference: string): Promise<void> {
  const { signal } = new AbortController();
  await using client = openRegistryClient({ credentials: defaultCredentials({}), config: await loadRegistryConfig({}), env: {} });
  const { domain, path, tag } = parseReference(reference);
  const repository = client.repository({ domain, path }, "push");
  const push = async (descriptor: Descriptor, name: string | undefined): Promise<void> => {
    const bytes = readFileSync(layout.blobPath(descriptor.digest));
    const { manifests, config, layers } = JSON.parse(bytes.toString()) as { manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] };
    for (const child of manifests ?? []) await push(child, undefined);
    for (const blob of [...(config === undefined ? [] : [config]), ...(layers ?? [])]) {
      await repository.uploadBlob({ descriptor: blob, open: async function* () { yield readFileSync(layout.blobPath(blob.digest)); }, mountFrom: undefined }, signal);
    }
    await repository.putManifest({ tag: name, mediaType: descriptor.mediaType, bytes }, signal);
  };
  const { manifests: [root] } = JSON.parse(readFileSync(join(layout.path, "index.json"), "utf8")) as { manifests: Descriptor[] };
  assert.ok(root !== undefined);
  await push(root, tag);
}

test("inspect and trace say of an image in a registry what they say of it in a layout", { skip: samples.skip || dockerRegistrySkip }, async () => {
  using layout = await layoutWithLayers(join(samples.path, "02-prov-max/registry"));
  await using registry = await startDockerRegistry();
  const reference = `${registry.host}/app:1`;
  await pushLayout(layout, reference);
  const local = `oci-layout://${layout.path}`;
  for (const args of [["--raw"], ["--format", "{{json .Provenance}}{{json .Image}}"]]) assert.deepEqual(await run(inspect, ...args, reference), await run(inspect, ...args, local));
  assert.match((await run(inspect, reference)).stdout, new RegExp(`^Name:      ${reference}\n`));
  const traced = await run(trace, "--path", "/out.txt", reference);
  assert.deepEqual([traced.status, traced.stdout.includes("Dockerfile:16")], [EXIT.ok, true]);
  assert.deepEqual(await run(trace, `${registry.host}/app:2`), { stdout: "", status: EXIT.registry, message: `ERROR: ${registry.host}/app:2: not found` });
});

test("trace refuses questions that are none", async () => {
  for (const args of [["--path", "a", "--line", "1", "x"], ["--file", "a", "x"], ["--line", "0", "x"], ["--format", "xml", "x"], [], ["a", "b"]]) {
    assert.equal((await run(trace, ...args)).status, EXIT.usage, args.join(" "));
  }
});
