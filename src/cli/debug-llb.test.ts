import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { conformanceFolder } from "../testing/conformance.ts";
import type { Command } from "./command.ts";
import { command as diff } from "./diff-llb.ts";
import { command as dump } from "./dump-llb.ts";
import { EXIT } from "./exit-code.ts";
import { explainFailure } from "./failure.ts";

interface CommandResult {
  readonly stdout: Buffer;
  readonly status: number;
  readonly message?: string;
}

async function run(command: Command, ...args: readonly string[]): Promise<CommandResult> {
  const written: Uint8Array[] = [];
  const io = { stdin: Readable.from([]), stdout: (part: string | Uint8Array) => void written.push(Buffer.from(part)), streamOut: async (part: Uint8Array) => void written.push(Buffer.from(part)), stderr: () => undefined, terminal: undefined, isStdoutTerminal: false, env: {}, cwd: "/", signal: new AbortController().signal };
  try {
    const status = await command.run(args, io);
    return { stdout: Buffer.concat(written), status };
  } catch (error) {
    const { message, exitCode } = explainFailure(error);
    return { stdout: Buffer.concat(written), status: exitCode, message };
  }
}

const CONFIG = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [`sha256:${"1".repeat(64)}`] }, config: { Env: ["PATH=/bin"] } };

function place(t: TestContext, files: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(join(tmpdir(), "stemma-llb-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "ctx"));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
  return folder;
}

test("a Dockerfile's graph is written as protobuf or as lines, the same each time and without a network", async (t) => {
  const folder = place(t, { "ctx/Dockerfile": "FROM alpine\nRUN make\n", "images.json": { alpine: { digest: `sha256:${"2".repeat(64)}`, config: CONFIG } } });
  const args = ["--resolve", join(folder, "images.json"), join(folder, "ctx")];
  const [first, again, lines] = [await run(dump, ...args), await run(dump, ...args), await run(dump, "--json", ...args)];
  assert.equal(first.status, EXIT.ok, first.message);
  assert.ok(first.stdout.length > 0 && first.stdout.equals(again.stdout));
  const ops = lines.stdout.toString().trimEnd().split("\n").map((line) => JSON.parse(line) as { readonly Digest: string });
  assert.equal(ops.length, 3);
  assert.ok(ops.every(({ Digest }) => /^sha256:[0-9a-f]{64}$/.test(Digest)));
});

test("an image that the file does not name, a file that is none, and two platforms are refused", async (t) => {
  const folder = place(t, { "ctx/Dockerfile": "FROM alpine\n", "images.json": {}, "bad.json": "{", "good.json": { alpine: { config: CONFIG } } });
  const context = join(folder, "ctx");
  const missing = await run(dump, "--resolve", join(folder, "images.json"), context);
  assert.equal(missing.status, EXIT.dockerfile);
  assert.match(missing.message ?? "", /docker\.io\/library\/alpine:latest is not among the images that were given/);
  assert.equal((await run(dump, "--resolve", join(folder, "bad.json"), context)).status, EXIT.usage);
  assert.match((await run(dump, "--resolve", join(folder, "good.json"), "--platform", "linux/amd64,linux/arm64", context)).message ?? "", /give one platform/);
  assert.equal((await run(dump)).status, EXIT.usage);
});

test("two graphs are compared in words, and the status tells whether they are equal", async (t) => {
  const folder = place(t, { "ctx/Dockerfile": "FROM alpine\nRUN make\n", other: "FROM alpine\nRUN make install\n", "images.json": { "docker.io/library/alpine:latest": { config: CONFIG } } });
  const args = ["--resolve", join(folder, "images.json"), join(folder, "ctx")];
  writeFileSync(join(folder, "a.pb"), (await run(dump, ...args)).stdout);
  writeFileSync(join(folder, "b.pb"), (await run(dump, "-f", join(folder, "other"), ...args)).stdout);
  const [equal, different] = [await run(diff, join(folder, "a.pb"), join(folder, "a.pb")), await run(diff, join(folder, "a.pb"), join(folder, "b.pb"))];
  assert.deepEqual([equal.status, equal.stdout.toString()], [EXIT.ok, "the definitions are equal\n"]);
  assert.equal(different.status, EXIT.other);
  assert.match(different.stdout.toString(), /Op\.exec\.meta\.args\[2\] is "make" in A and "make install" in B/);
  assert.equal((await run(diff, join(folder, "images.json"), join(folder, "b.pb"))).status, EXIT.other);
});

interface RecordedCase {
  readonly case: { readonly name: string; readonly dockerfile?: string; readonly dockerignore?: string; readonly opts?: object; readonly files?: object; readonly images?: object; readonly buildPlatform?: string; readonly disableCaps?: object; readonly sessionID?: string; readonly mode?: string };
  readonly result: { readonly results?: ReadonlyArray<{ readonly def: { readonly ops: ReadonlyArray<{ readonly digest: string }> | null } }>; readonly imageResolves: ReadonlyArray<{ readonly ref: string; readonly digest?: string; readonly config?: unknown; readonly error?: string }> | null };
}

const records = conformanceFolder("llb/bktest.jsonl.gz");

test("the command gives BuildKit's digests for its own Dockerfiles", { skip: records.skip || process.arch !== "x64" }, async (t) => {
  const cases = gunzipSync(readFileSync(records.path)).toString().trimEnd().split("\n").map((line) => JSON.parse(line) as RecordedCase).filter(isPlain).slice(0, 40);
  assert.ok(cases.length > 10);
  for (const { case: { name, dockerfile = "", dockerignore }, result } of cases) {
    const images = Object.fromEntries((result.imageResolves ?? []).map(({ ref, digest, config }) => [ref, { digest, config }]));
    const folder = place(t, { "ctx/Dockerfile": dockerfile, "images.json": images, ...(dockerignore === undefined ? {} : { "ctx/.dockerignore": dockerignore }) });
    const { stdout, message } = await run(dump, "--json", "--session", "golden-session", "--resolve", join(folder, "images.json"), join(folder, "ctx"));
    const digests = stdout.toString().split("\n").filter((line) => line !== "").map((line) => (JSON.parse(line) as { readonly Digest: string }).Digest);
    assert.deepEqual(digests, result.results?.[0]?.def.ops?.map(({ digest }) => digest) ?? [], `${name}: ${message}`);
  }
});

/** Cases that the command line can state: a Dockerfile and an ignore file, and nothing else. */
function isPlain({ case: input, result }: RecordedCase): boolean {
  const special = [input.opts, input.files, input.images, input.buildPlatform, input.disableCaps, input.sessionID, input.mode];
  return input.dockerfile !== undefined && special.every((value) => value === undefined) && result.results?.length === 1 && (result.imageResolves ?? []).every(({ error }) => error === undefined);
}
