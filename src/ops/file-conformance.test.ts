import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test, type TestContext } from "node:test";
import type { Entry } from "../archive/entry.ts";
import type { Member } from "../archive/member.ts";
import { writeTar } from "../archive/tar-writer.ts";
import { bytesOf, collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { FileOpSchema, message, type MessageInitShape } from "../llb/op.ts";
import { openDirectory } from "../session/directory.ts";
import { exportedEntry } from "../snapshot/exported-entry.ts";
import type { Layer, LayerChain } from "../snapshot/layer.ts";
import { localLayer } from "../source/local-layer.ts";
import { MemoryLayerStore } from "../testing/memory-layer-store.ts";
import { layerOf } from "../testing/tree-text.ts";
import { runFileOp } from "./file.ts";

const samples = join(resolve(process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"), "samples", "rebuildable");
const skip = existsSync(samples) ? false : `no conformance data in ${samples}`;
const signal = new AbortController().signal;
const EPOCH_S = 1_700_000_000n;

interface Made {
  readonly lines: readonly string[];
  readonly diffId: string;
}

interface Step {
  readonly id: string;
  readonly inputs?: readonly string[];
  readonly op: { readonly Op: Readonly<Record<string, unknown>> };
}

/** Replays the file operations of BuildKit's own record of a build; other steps stand as what the next steps see of them. */
async function replay(t: TestContext, sample: string): Promise<ReadonlyMap<string, Made>> {
  const root = mkdtempSync(join(tmpdir(), "stemma-replay-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  assert.equal(spawnSync("tar", ["-xf", join(samples, sample, "context.tar"), "-C", root]).status, 0);
  const { layer } = await localLayer(openDirectory(root), { followPaths: undefined, includePatterns: [], excludePatterns: [] }, { blobFormat: undefined, inspect: undefined, tells: () => false, known: () => new Map(), set: () => undefined, walked: () => undefined, keepWalked: () => undefined, walkAtSight: () => undefined, keepWalkAtSight: () => undefined }, signal);
  const busybox = layerOf("busybox", ["d 755 0:0 bin", "f 755 0:0 bin/sh = sh", "d 755 0:0 etc", "f 644 0:0 etc/passwd = root:x:0:0::/:/bin/sh"]);
  const ran = layerOf("run", ["d 755 0:0 src", "f 644 0:0 src/out-7 = main\nmain\n"], EPOCH_S * 1_000_000_000n);
  const chains = new Map<string, LayerChain>();
  const listings = new Map<string, Made>();
  const store = new MemoryLayerStore();
  for (const { id, inputs = [], op: { Op: op } } of stepsOf(sample)) {
    const from = inputs.map((input) => chains.get(input.split(":")[0] ?? "") ?? []);
    if ("source" in op) chains.set(id, [JSON.stringify(op).includes("local://") ? layer : busybox]);
    else if ("exec" in op) chains.set(id, [...(from[0] ?? []), ran]);
    else if ("merge" in op) chains.set(id, from.flat());
    if (!("file" in op)) continue;
    const clock = { now: () => new Date(), nowNs: () => (EPOCH_S + 5n) * 1_000_000_000n };
    const [chain = []] = await runFileOp(message(FileOpSchema, fileOpOf(op["file"])), from, store, { signal, clock });
    chains.set(id, chain);
    const top = chain.at(-1);
    assert.ok(top !== undefined);
    listings.set(id, { lines: (await top.entries(signal)).map(listed), diffId: digestOf(await collectBytes(writeTar(rewritten(top)), 1_000_000)) });
  }
  return listings;
}

function stepsOf(sample: string): readonly Step[] {
  const record = JSON.parse(readFileSync(join(samples, sample, "max-v1/registry/manifest1-attestation.layer0.slsa.dev_provenance_v1.json"), "utf8")) as {
    readonly predicate: { readonly buildDefinition: { readonly internalParameters: { readonly buildConfig: { readonly llbDefinition: readonly Step[] } } } };
  };
  return record.predicate.buildDefinition.internalParameters.buildConfig.llbDefinition;
}

/** BuildKit's JSON of a file operation as a message: numbers that are 64 bits wide, oneofs and bytes are written differently. */
function fileOpOf(json: unknown): MessageInitShape<typeof FileOpSchema> {
  const { actions } = json as { readonly actions: ReadonlyArray<Readonly<Record<string, number>> & { readonly Action: Readonly<Record<string, Readonly<Record<string, unknown>>>> }> };
  return {
    actions: actions.map(({ input = 0, secondaryInput = 0, output = 0, Action }) => {
      const [[kind, fields] = ["mkdir", {}]] = Object.entries(Action);
      const camelCased = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()), value]));
      const { timestamp = 0, owner, data, ...rest } = camelCased as { readonly timestamp?: number; readonly owner?: JsonOwner; readonly data?: string };
      const value = { ...rest, timestamp: BigInt(timestamp), ...(owner === undefined ? {} : { owner: ownerOf(owner) }), ...(data === undefined ? {} : { data: Buffer.from(data, "base64") }) };
      // The kind is one of the oneof's, and the fields are that kind's.
      return { input: BigInt(input), secondaryInput: BigInt(secondaryInput), output: BigInt(output), action: { case: kind as "mkdir", value } };
    }),
  };
}

interface JsonOwner {
  readonly user?: { readonly User: { readonly byId?: number } };
  readonly group?: { readonly User: { readonly byId?: number } };
}

function ownerOf({ user, group }: JsonOwner): object {
  return { user: { user: { case: "byID", value: user?.User.byId ?? 0 } }, group: { user: { case: "byID", value: group?.User.byId ?? 0 } } };
}

const TYPEFLAGS = { file: 0, hardlink: 1, symlink: 2, char: 3, block: 4, directory: 5, fifo: 6, whiteout: 0, opaque: 0 } as const;

/** As the lists of the samples, with times that `rewrite-timestamp` would set. */
function listed({ path, kind, mode, uid, gid, sizeBytes, mtimeNs, linkname }: Entry): string {
  const mtime = mtimeNs / 1_000_000_000n > EPOCH_S ? EPOCH_S : mtimeNs / 1_000_000_000n;
  return `${TYPEFLAGS[kind]} 0o${mode.toString(8)} ${uid}:${gid} ${sizeBytes} mtime=${mtime} ${path}${linkname === undefined ? "" : ` -> ${linkname}`}`;
}

function expected(sample: string, layer: number): readonly string[] {
  const text = readFileSync(join(samples, sample, `max-v1/registry/manifest0-amd64.layer${layer}.tarlist.txt`), "utf8");
  return text.trimEnd().split("\n").map((line) => line.replace(/ pax=\{.*\}$/, ""));
}

/** A layer as it is exported, with `rewrite-timestamp`. */
async function* rewritten(layer: Layer): AsyncIterable<Member> {
  for (const entry of await layer.entries(signal)) {
    const exported = exportedEntry(entry);
    const mtimeNs = exported.mtimeNs > EPOCH_S * 1_000_000_000n ? EPOCH_S * 1_000_000_000n : exported.mtimeNs;
    yield { entry: { ...exported, mtimeNs }, content: entry.kind === "file" ? layer.read(entry, signal) : bytesOf() };
  }
}

function diffIdOf(sample: string, layer: number): string | undefined {
  const config = JSON.parse(readFileSync(join(samples, sample, "max-v1/registry/manifest0-amd64.config.json"), "utf8")) as { readonly rootfs: { readonly diff_ids: readonly string[] } };
  return config.rootfs.diff_ids[layer];
}

/** Which step made which layer of the image; the others are the base image's and those of commands. */
const LAYERS: Readonly<Record<string, ReadonlyArray<readonly [step: string, layer: number]>>> = {
  "90-files-and-modes": [["step2", 1], ["step3", 2], ["step4", 3], ["step5", 4], ["step6", 5], ["step7", 6], ["step9", 7]],
  "92-multi-stage": [["step5", 1], ["step7", 2], ["step9", 3]],
  "93-scratch-link": [["step1", 0], ["step2", 1], ["step4", 2]],
};

for (const [sample, layers] of Object.entries(LAYERS)) {
  test(`file operations make the layers that BuildKit made (${sample})`, { skip }, async (t) => {
    const listings = await replay(t, sample);
    for (const [step, layer] of layers) {
      assert.deepEqual(listings.get(step)?.lines, expected(sample, layer), `${step} of ${sample}`);
      assert.equal(listings.get(step)?.diffId, diffIdOf(sample, layer), `diff id of ${step} of ${sample}`);
    }
  });
}
