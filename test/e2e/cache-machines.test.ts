import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BuildError } from "../../src/doors/build.ts";
import { openMachines, readCacheLayout, spoil, type CacheLayout, type MachineBuilt, type Machines } from "./cache-place.ts";
import { runSkip, type WorkshopBuild } from "./workshop.ts";

const FILES = { "app/a": "one\n", "app/b": "two\n" };
const STEPS = `FROM base AS build
WORKDIR /src
COPY app/ ./app/
RUN cat app/a app/b > out.txt
FROM base
COPY --from=build /src/out.txt /out.txt
RUN echo done > /done
`;

let machines: Machines;
let first: MachineBuilt;
let full: string;

before(async () => {
  machines = await openMachines();
  if (runSkip !== false) return;
  full = machines.path("cache-full");
  first = await machines.build("first", STEPS, { files: FILES, outputs: ["type=image,name=app"], cacheTo: [`type=local,dest=${full},mode=max`] });
});

after(async () => {
  await machines[Symbol.asyncDispose]();
});

let count = 0;
/** On a machine that has nothing. */
async function elsewhere(options: WorkshopBuild, dockerfile: string = STEPS): Promise<MachineBuilt & { readonly machine: string }> {
  const machine = `machine-${++count}`;
  return { machine, ...(await machines.build(machine, dockerfile, { files: FILES, outputs: ["type=image,name=app"], ...options })) };
}

/** A copy of a cache, the full one where not given, that is then changed. */
async function broken(change: (cache: CacheLayout, path: string) => void | Promise<void>, whole: string = full): Promise<string> {
  const path = machines.path(`broken-${++count}`);
  cpSync(whole, path, { recursive: true });
  const cache = await readCacheLayout(path);
  for (const { digest } of [...cache.manifest.layers, cache.manifest.config]) chmodSync(cache.file(digest), 0o644);
  await change(cache, path);
  return path;
}

/** Puts another configuration in the place of the one that the cache has, under a digest of its own. */
function withConfig(cache: CacheLayout, path: string, text: string): void {
  const write = (bytes: string): string => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    writeFileSync(cache.file(digest), bytes);
    return digest;
  };
  const manifest = JSON.stringify({ ...cache.manifest, config: { ...cache.manifest.config, digest: write(text), size: Buffer.byteLength(text) } });
  const entry = { mediaType: cache.manifest.mediaType, digest: write(manifest), size: Buffer.byteLength(manifest), annotations: { "org.opencontainers.image.ref.name": "latest" } };
  writeFileSync(join(path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
}

describe("a cache in a directory", { skip: runSkip }, () => {
  test("has another machine run nothing and fetch nothing, and come to the same image", async () => {
    assert.equal(first.worked.length, 5);
    const second = await elsewhere({ cacheFrom: [`type=local,src=${full}`] });
    assert.deepEqual([second.worked, second.warnings], [[], []]);
    assert.deepEqual(second.cached.filter((name) => name.includes("RUN")).length, 2);
    assert.equal(second.events.filter((event) => event.kind === "step-explained" && event.reason === "imported").length, 5);
    assert.equal(second.image, first.image);
    assert.deepEqual(machines.layers(second.machine), []);
  });

  test("is read for the files that are used: one more beside them is no miss, another content is", async () => {
    const beside = await elsewhere({ cacheFrom: [`type=local,src=${full}`], files: { ...FILES, "other/c": "three\n" } });
    assert.deepEqual(beside.worked, []);
    const changed = await elsewhere({ cacheFrom: [`type=local,src=${full}`], files: { ...FILES, "app/b": "other\n" } });
    assert.deepEqual(changed.worked.map((name) => name.replace(/^.*\] /, "")), ["COPY app/ ./app/", "RUN cat app/a app/b > out.txt", "COPY --from=build /src/out.txt /out.txt", "RUN echo done > /done"]);
  });

  test("answers for what is equal in content, whatever made it", async () => {
    const again = STEPS.replace("cat app/a app/b > out.txt", "cat app/a > out.txt; cat app/b >> out.txt");
    const second = await elsewhere({ cacheFrom: [`type=local,src=${full}`] }, again);
    assert.deepEqual(second.worked.map((name) => name.replace(/^.*\] /, "")), ["RUN cat app/a > out.txt; cat app/b >> out.txt"]);
    assert.equal(second.image, first.image);
  });

  test("of mode=min holds the layers of the result alone, and finds it without what it was copied from", async () => {
    const path = machines.path("cache-min");
    await machines.build("first", STEPS, { files: FILES, cacheTo: [`type=local,dest=${path}`] });
    const [min, max] = [await readCacheLayout(path), await readCacheLayout(full)];
    assert.deepEqual(min.config.records.map(({ digest }) => digest), max.config.records.map(({ digest }) => digest));
    assert.deepEqual([min.manifest.layers.length, max.manifest.layers.length], [3, 6]);
    const second = await elsewhere({ cacheFrom: [`type=local,src=${path}`] });
    assert.deepEqual(second.worked, []);
    assert.equal(second.image, first.image);
    // What nobody needed is told as cached too, as by BuildKit.
    assert.deepEqual(first.worked.filter((name) => !second.cached.includes(name)), []);
    assert.equal(second.events.filter((event) => event.kind === "step-explained" && event.reason === "not-needed").length, 3);
  });

  test("passes on what it was taken from", async () => {
    const path = machines.path("cache-passed-on");
    const second = await elsewhere({ cacheFrom: [`type=local,src=${full}`], cacheTo: [`type=local,dest=${path},mode=max`] });
    assert.deepEqual(second.worked, []);
    assert.deepEqual((await readCacheLayout(path)).config, (await readCacheLayout(full)).config);
  });

});

test("the record says so where a step's result came out of a cache, then and later, also of what was made of it", { skip: runSkip }, async () => {
  const made = "FROM base AS made\nCOPY app/ /app/\n";
  const copied = `${made}FROM base\nCOPY --from=made /app /copied\n`;
  const uncaptured = async (machine: string, dockerfile: string, options: WorkshopBuild = {}): Promise<readonly string[]> => {
    const out = machines.path(`record-${++count}`);
    await machines.build(machine, dockerfile, { files: FILES, provenance: "mode=min", ...options, outputs: [`type=local,dest=${out}`] });
    const { predicate } = JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as { predicate: { runDetails: { metadata: { stemma_hermetic: { verified: boolean; uncaptured?: readonly string[] } } } } };
    const { verified, uncaptured: found = [] } = predicate.runDetails.metadata.stemma_hermetic;
    assert.equal(verified, found.length === 0);
    return found;
  };
  const cache = machines.path("cache-told");
  const [maker, taker] = [`machine-${++count}`, `machine-${++count}`] as const;
  assert.deepEqual(await uncaptured(maker, made, { cacheTo: [`type=local,dest=${cache},mode=max`] }), []);
  assert.deepEqual(await uncaptured(maker, made, { cacheFrom: [`type=local,src=${cache}`] }), [], "its own results are those that it made");
  assert.deepEqual(await uncaptured(taker, made, { cacheFrom: [`type=local,src=${cache}`] }), ["cache"]);
  assert.deepEqual(await uncaptured(taker, made), ["cache"], "out of its own store by now");
  const others = machines.layers(taker).filter((name) => name.startsWith("sha256-"));
  assert.deepEqual(await uncaptured(taker, copied), ["cache"], "made here, of what was not");
  for (const name of others) rmSync(join(machines.path(taker), "layers/layers", name), { recursive: true });
  assert.deepEqual(await uncaptured(taker, copied), ["cache"], "the same when what it was made of is gone");
  assert.deepEqual(await uncaptured(taker, copied, { noCache: true }), []);
});

describe("a cache in a directory has the form that is asked for", { skip: runSkip }, () => {
  test("keeps other tags, until it is reset", async () => {
    const path = machines.path("cache-tags");
    await machines.build("first", STEPS, { files: FILES, cacheTo: [`type=local,dest=${path},tag=one`] });
    await machines.build("first", "FROM base\nRUN echo other > /other\n", { cacheTo: [`type=local,dest=${path},tag=two`] });
    assert.deepEqual((await elsewhere({ cacheFrom: [`type=local,src=${path},tag=one`] })).worked, []);
    await machines.build("first", "FROM base\nRUN echo other > /other\n", { cacheTo: [`type=local,dest=${path},tag=two,reset=true`] });
    const { manifest } = await readCacheLayout(path);
    assert.equal(readdirSync(join(path, "blobs/sha256")).length, manifest.layers.length + 2);
    assert.equal((await elsewhere({ cacheFrom: [`type=local,src=${path},tag=one`] })).worked.length, 5);
    assert.deepEqual((await elsewhere({ cacheFrom: [`type=local,src=${path},tag=two`] }, "FROM base\nRUN echo other > /other\n")).worked, []);
  });

  for (const [form, mediaType] of [["image-manifest=false", "application/vnd.oci.image.index.v1+json"], ["oci-mediatypes=false", "application/vnd.docker.distribution.manifest.list.v2+json"]] as const) {
    test(`with ${form} is an index of blobs`, async () => {
      const path = machines.path(`cache-${form}`);
      await machines.build("first", STEPS, { files: FILES, cacheTo: [`type=local,dest=${path},mode=max,${form}`] });
      assert.equal((await readCacheLayout(path)).manifest.mediaType, mediaType);
      assert.deepEqual((await elsewhere({ cacheFrom: [`type=local,src=${path}`] })).worked, []);
    });
  }

  test("compressed otherwise gives the image that the output asks for", async () => {
    const path = machines.path("cache-zstd");
    await machines.build("first", STEPS, { files: FILES, cacheTo: [`type=local,dest=${path},mode=max,compression=zstd,force-compression=true`] });
    assert.ok((await readCacheLayout(path)).manifest.layers.every(({ mediaType }) => mediaType.endsWith("+zstd")));
    const second = await elsewhere({ cacheFrom: [`type=local,src=${path}`] });
    assert.deepEqual(second.worked, []);
    assert.equal(second.image, first.image);
  });

  test("is not asked for what is not to be cached", async () => {
    // BuildKit's frontend says so of all but WORKDIR.
    assert.equal((await elsewhere({ cacheFrom: [`type=local,src=${full}`], noCache: true })).worked.length, 4);
  });

  test("of a machine's own does not hide an address that a step was given", async () => {
    const path = machines.path("cache-hosts");
    const text = "FROM base\nRUN cat /etc/hosts > /hosts\n";
    await machines.build("first", text, { extraHosts: ["there=10.0.0.1"], cacheTo: [`type=local,dest=${path}`] });
    assert.deepEqual((await elsewhere({ extraHosts: ["there=10.0.0.1"], cacheFrom: [`type=local,src=${path}`] }, text)).worked, []);
    assert.equal((await elsewhere({ extraHosts: ["there=10.0.0.2"], cacheFrom: [`type=local,src=${path}`] }, text)).worked.length, 1);
  });
});

describe("a broken cache is told of, and what it would have given is built", { skip: runSkip }, () => {
  const cases: Readonly<Record<string, (cache: CacheLayout, path: string) => void | Promise<void>>> = {
    "nothing at all": (_cache, path) => rmSync(path, { recursive: true }),
    "an index that is no JSON": (_cache, path) => writeFileSync(join(path, "index.json"), "{"),
    "no such tag": (_cache, path) => writeFileSync(join(path, "index.json"), '{"schemaVersion":2,"manifests":[]}'),
    "no configuration": (cache) => rmSync(cache.file(cache.manifest.config.digest)),
    "a configuration of other bytes": (cache) => spoil(cache.file(cache.manifest.config.digest)),
    "records in a circle": (cache, path) => withConfig(cache, path, JSON.stringify({ records: [{ digest: cache.config.records[0]?.digest, inputs: [[{ link: 1 }]] }, { digest: cache.config.records[0]?.digest, inputs: [[{ link: 0 }]] }] })),
    "layers in a circle": (cache, path) => withConfig(cache, path, JSON.stringify({ ...cache.config, layers: cache.config.layers.map((layer, i) => ({ ...layer, parent: i })) })),
    "links to nowhere": (cache, path) => withConfig(cache, path, JSON.stringify({ records: [{ digest: cache.config.records[0]?.digest, inputs: [[{ link: 99 }]] }] })),
    "a configuration that is too large": (cache, path) => withConfig(cache, path, `${JSON.stringify(cache.config)}${" ".repeat(33 * 1024 * 1024)}`),
    "more records than any build has": (cache, path) => withConfig(cache, path, `{"records":[${"{},".repeat(200_001)}{}]}`),
    "a record that is none": (cache, path) => withConfig(cache, path, '{"records":[null]}'),
  };
  // What cannot be read at all is so before any step is looked at: to have a sandbox each time shows nothing more.
  const PLAIN = "FROM base AS build\nWORKDIR /src\nCOPY app/ ./app/\nFROM base\nCOPY --from=build /src/app/a /out.txt\n";
  let plain: string;
  before(async () => {
    plain = machines.path("cache-plain");
    await machines.build("first", PLAIN, { files: FILES, cacheTo: [`type=local,dest=${plain},mode=max`] });
    assert.deepEqual((await elsewhere({ cacheFrom: [`type=local,src=${plain}`] }, PLAIN)).worked, [], "it gives all while it is whole");
  });

  for (const [name, change] of Object.entries(cases)) {
    test(name, async () => {
      const built = await elsewhere({ cacheFrom: [`type=local,src=${await broken(change, plain)}`] }, PLAIN);
      assert.equal(built.worked.length, 3);
      assert.match(built.warnings.join("\n"), /WARNING: failed to configure local cache importer: /);
    });
  }

  test("layers that are gone", async () => {
    const path = await broken((cache) => cache.manifest.layers.forEach(({ digest }) => rmSync(cache.file(digest))));
    assert.equal((await elsewhere({ cacheFrom: [`type=local,src=${path}`] })).worked.length, 5);
  });

  test("layers of other bytes, also where they are needed for the output alone", async () => {
    const path = await broken(async (cache) => { for (const { digest } of cache.manifest.layers) await spoil(cache.file(digest)); });
    const changed = await elsewhere({ cacheFrom: [`type=local,src=${path}`] }, `${STEPS}RUN cat /done\n`);
    assert.match(changed.warnings.join("\n"), /WARNING: cache .*: what it holds is built anew/);
    assert.equal(changed.worked.length, 6);
    const layout = machines.path(`layout-${++count}`);
    const tar: Uint8Array[] = [];
    const streamed = await elsewhere({ cacheFrom: [`type=local,src=${path}`], outputs: ["type=oci,dest=-"], stdout: async (chunk) => void tar.push(chunk) });
    assert.equal(streamed.worked.length, 5);
    assert.ok(tar.length > 0);
    const unchanged = await elsewhere({ cacheFrom: [`type=local,src=${path}`], outputs: [`type=oci,tar=false,dest=${layout}`] });
    assert.match(unchanged.warnings.join("\n"), /WARNING: cache .*: what it holds is built anew/);
    assert.equal(unchanged.worked.length, 5);
    assert.ok((await readFile(join(layout, "index.json"), "utf8")).includes("sha256:"));
  });
});

describe("a cache that cannot be written", { skip: runSkip }, () => {
  const nowhere = "type=registry,ref=127.0.0.1:1/cache:1";

  test("fails the build", async () => {
    await assert.rejects(machines.build("first", STEPS, { files: FILES, cacheTo: [nowhere] }), (error) => error instanceof BuildError && error.message.includes("127.0.0.1:1"));
  });

  test("is told of where that is to be ignored", async () => {
    const built = await machines.build("first", STEPS, { files: FILES, cacheTo: [`${nowhere},ignore-error=true`] });
    assert.match(built.warnings.join("\n"), /WARNING: exporting cache to registry failed, and is ignored as asked: .*127\.0\.0\.1:1/);
  });

  test("one that cannot be read is told of", async () => {
    const built = await elsewhere({ cacheFrom: ["127.0.0.1:1/cache:1"] });
    assert.match(built.warnings.join("\n"), /WARNING: failed to configure registry cache importer: .*127\.0\.0\.1:1/);
    assert.equal(built.worked.length, 5);
  });
});
