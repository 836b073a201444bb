import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { build as startBuild, type BuildEvent } from "../../src/doors/build.ts";
import { diskUsage, openStore, prune, type UsageRecord } from "../../src/doors/store.ts";
import { openPlace } from "./command.ts";
import { openWorkshop, outputOf, runSkip, type Built, type Workshop } from "./workshop.ts";

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;

let workshop: Workshop;
before(async () => {
  workshop = await openWorkshop();
});
after(() => workshop[Symbol.asyncDispose]());
beforeEach(async () => {
  settings("");
  await using store = await openStore(workshop.root);
  if (store !== undefined) await prune(store, { all: true, passes: () => true, reservedBytes: 0, maxUsedBytes: 0, minFreeBytes: 0 }, () => undefined, never);
});

function settings(text: string): void {
  const directory = join(workshop.path, ".config", "stemma");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "stemma.toml"), text);
}

async function records(): Promise<readonly UsageRecord[]> {
  await using store = await openStore(workshop.root);
  return store === undefined ? [] : await diskUsage(store);
}

/** Names of the steps whose layers are there. */
async function steps(): Promise<readonly string[]> {
  return (await records()).flatMap(({ description }) => /^\[.*?\] (.*)$/.exec(description)?.[1] ?? []).toSorted();
}

async function types(): Promise<readonly string[]> {
  return [...new Set((await records()).map(({ type }) => type as string))].filter((type) => type !== "internal").toSorted();
}

/** One layer of 150,000 bytes and a little. */
const copied = async (name: string): Promise<Built> => await workshop.build(`FROM scratch\nCOPY ${name} /${name}\n`, { files: { [name]: name.repeat(50_000) }, outputs: [`type=oci,dest=${join(workshop.path, "out.tar")}`], provenance: "false" });
const notices = ({ events }: Built): readonly string[] => events.flatMap((event) => (event.kind === "notice" ? [event.message] : []));
const settled = (): string => join(workshop.root, "collected.json");

test("without settings nothing is collected", async () => {
  for (const text of ["", "[worker.oci]\ngc = false\nmaxUsedSpace = 1"]) {
    settings(text);
    for (const name of ["aaa", "bbb", "ccc"]) await copied(name);
    assert.deepEqual(await steps(), ["COPY aaa /aaa", "COPY bbb /bbb", "COPY ccc /ccc"], text);
  }
  assert.ok(!existsSync(settled()), "nothing was counted either");
});

test("after each build the store is within maxUsedSpace, and what the build made or found stays", async () => {
  const bound = 400_000;
  settings(`[worker.oci]\nmaxUsedSpace = ${bound}`);
  for (const name of ["aaa", "bbb", "ccc", "ddd"]) {
    await copied(name);
    const bytes = (await records()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    assert.ok(bytes <= bound && bytes > 150_000, `${name}: ${bytes}`);
    assert.deepEqual((await copied(name)).cached, [`[1/1] COPY ${name} /${name}`]);
  }
  assert.ok(!(await steps()).includes("COPY aaa /aaa"), "what was not used for the longest time goes");
  settings("[worker.oci]\nmaxUsedSpace = 1");
  assert.deepEqual((await copied("ddd")).cached, ["[1/1] COPY ddd /ddd"]);
  assert.deepEqual(await steps(), ["COPY ddd /ddd"], "what the build used itself stays, also where it is too much");
});

test("a build that fails makes room too", async () => {
  await copied("aaa");
  settings("[[worker.oci.gcpolicy]]\nall = true");
  await assert.rejects(workshop.build("FROM scratch\nCOPY none /\n"), /none/);
  assert.deepEqual(await records(), []);
});

test("what a build uses that runs meanwhile stays, and it comes to its end", { skip: runSkip }, async () => {
  const files = { a: "a\n" };
  const stages = "FROM base AS files\nCOPY a /a\nRUN cp /a /b\n";
  await workshop.build(stages, { files });
  await copied("old");
  settings("[[worker.oci.gcpolicy]]\nall = true");
  const running = startBuild(await workshop.request(`${stages}FROM base\nRUN --mount=type=cache,target=/c echo begun; until [ -e /c/go ]; do sleep 0.1; done\nCOPY --from=files /b /d\nRUN cat /d > /e\n`, { files }));
  const seen: BuildEvent[] = [];
  for await (const event of running.events) {
    seen.push(event);
    if (outputOf(seen).includes("begun\n")) break;
  }
  const other = await copied("new");
  assert.deepEqual(notices(other).filter((text) => text.includes("WARNING")), []);
  const left = await steps();
  assert.ok(left.includes("RUN cp /a /b") && left.includes("COPY new /new") && !left.includes("COPY old /old"), left.join("\n"));
  const mounts = join(workshop.root, "cache-mounts");
  for (const folder of readdirSync(mounts)) if (existsSync(join(mounts, folder, "0"))) writeFileSync(join(mounts, folder, "0", "go"), "");
  await running.result;
  assert.ok(!(await steps()).includes("COPY new /new"), "the one that ended last made room as well");
});

test("a policy takes what its filters name, and what was not used for so long", { skip: runSkip }, async () => {
  const mounts = async (): Promise<Built> => await workshop.build("FROM base\nRUN --mount=type=cache,target=/cache echo kept > /cache/x && touch /y\n");
  const filters = 'filters = ["type==source.local", "type==exec.cachemount"]\n';
  settings(`[[worker.oci.gcpolicy]]\n${filters}keepDuration = "1h"`);
  await mounts();
  assert.deepEqual(await types(), ["exec.cachemount", "regular"], "used just now");
  settings(`[[worker.oci.gcpolicy]]\n${filters}`);
  await copied("other");
  assert.deepEqual(await types(), ["regular"]);
  assert.ok((await steps()).some((name) => name.startsWith("RUN --mount")), "what the filters do not name stays");

  settings("");
  for (const name of ["aaa", "bbb"]) await copied(name);
  const { id = "" } = (await records()).find(({ description }) => description.includes("COPY aaa")) ?? {};
  const layer = join(workshop.root, "layers", "layers", id);
  const twoDaysAgo = new Date(statSync(layer).mtimeMs - 48 * HOUR_MS);
  utimesSync(layer, twoDaysAgo, twoDaysAgo);
  settings('[[worker.oci.gcpolicy]]\nkeepDuration = "24h"');
  await copied("ccc");
  const left = await steps();
  assert.ok(!left.includes("COPY aaa /aaa") && left.includes("COPY bbb /bbb"), left.join("\n"));
});

test("a cache mount that a step used is used, even where the step wrote nothing into it", { skip: runSkip }, async () => {
  const used = async (text: string): Promise<Built> => await workshop.build(`FROM base\nRUN --mount=type=cache,target=/cache echo ${text} > /y\n`);
  await used("one");
  const mount = (await records()).find(({ type }) => type === "exec.cachemount")?.id ?? "";
  const old = new Date("2020-01-01");
  for (const name of ["0", "0.lock"]) utimesSync(join(workshop.root, "cache-mounts", mount, name), old, old);
  settings('[[worker.oci.gcpolicy]]\nkeepDuration = "24h"');
  await used("two");
  assert.deepEqual(await types(), ["exec.cachemount", "regular"]);
});

test("what goes wrong with it is one line, and the build is what it is", async () => {
  settings("[worker.oci]\nmaxUsedSpace = 1");
  rmSync(settled(), { force: true });
  mkdirSync(settled(), { recursive: true });
  try {
    const built = await copied("aaa");
    assert.equal(notices(built).filter((text) => text.startsWith("WARNING: the store was not collected as the settings say: EISDIR")).length, 1);
  } finally {
    rmSync(settled(), { recursive: true });
  }
});

test("settings that cannot be are told, with file and key, before anything is built", async () => {
  await using place = await openPlace();
  settings('[worker.oci]\nmaxUsedSpace = "much"');
  const { exitCode, stderr } = await place.stemmaHere(["build", await workshop.directory({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" })], { env: { XDG_CONFIG_HOME: join(workshop.path, ".config") } });
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /stemma\.toml: worker\.oci\.maxUsedSpace: "much" is no size such as 512000000, "512MB" or "10%"\n/);
  assert.ok(!existsSync(join(place.path, "data", "stemma", "layers")));
});
