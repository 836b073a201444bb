import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkStore } from "../../src/doors/store.ts";
import { diskUsage } from "../../src/upkeep/disk-usage.ts";
import { openStore } from "../../src/upkeep/open-store.ts";
import { gitServerSkip, startGitServer } from "../../src/testing/git-server.ts";
import { openPlace, type Place } from "./command.ts";
import { HELD_STEP, releaseHeldStep } from "./held-step.ts";
import { openWorkshop, runSkip, type Workshop } from "./workshop.ts";

interface Row {
  readonly ID: string;
  readonly Type: string;
  readonly SizeBytes: number;
  readonly UsageCount: number;
  readonly Reclaimable: boolean;
  readonly Description: string;
  readonly Parents: readonly string[] | null;
}

const signal = new AbortController().signal;

let place: Place;
let workshop: Workshop;

before(async () => {
  place = await openPlace();
  workshop = await openWorkshop();
});

after(async () => {
  await workshop[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

async function stemma(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await place.stemmaHere(args);
  assert.equal(exitCode, 0, `${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function rows(...flags: readonly string[]): Promise<readonly Row[]> {
  return (await stemma("du", "--format=json", ...flags)).split("\n").filter(Boolean).map((line) => JSON.parse(line) as Row);
}

async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const directory = join(place.path, name);
  await mkdir(directory, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text);
  return directory;
}

const base = (): readonly string[] => ["--build-context", `base=oci-layout://${workshop.base}`];
const archive = (name: string): readonly string[] => ["--provenance=false", "-o", `type=oci,dest=${join(place.path, name)}`];

test("an empty root takes nothing", async () => {
  assert.match(await stemma("du"), /^ID +RECLAIMABLE +SIZE +LAST ACCESSED\nReclaimable:\t0B\nTotal:\t\t0B\n$/);
  assert.match(await stemma("prune", "-f"), /^Total:\t0B\n$/);
});

test("who is stopped in the middle of clearing away leaves no record of what is gone", async () => {
  await using machine = await openWorkshop();
  for (const name of ["a", "b"]) await machine.build(`FROM scratch\nCOPY ${name} /\nCOPY ${name} /again\n`, { files: { a: "a", b: "b" }, outputs: ["type=cacheonly"] });
  const damage: string[] = [];
  const records = async (): Promise<number> => (await checkStore(machine.root, { repair: false }, ({ name, problem }) => void damage.push(`${name}: ${problem}`), signal)).checked.records;
  await using store = await openStore(machine.root);
  const layers = store === undefined ? [] : (await diskUsage(store)).filter(({ type }) => type === "regular");
  const first = await records();
  assert.ok(layers.length >= 4 && first >= 4);
  for (const layer of layers) {
    assert.equal(await layer.remove(), true);
    assert.deepEqual([(await records()) < first, damage], [true, []]);
  }
});

test("tells what layers, blobs and cache mounts take, and takes them away", { skip: runSkip }, async () => {
  const directory = await project("app", { Dockerfile: "FROM base\nCOPY a /a\nRUN --mount=type=cache,target=/cache echo kept > /cache/x && cp /a /b\n", a: "x".repeat(100_000) });
  await stemma("build", ...base(), ...archive("app.tar"), directory);
  const found = await rows();
  assert.deepEqual([...new Set(found.map(({ Type }) => Type))].toSorted(), ["exec.cachemount", "internal", "regular"]);
  const run = found.find(({ Description }) => Description.includes("RUN --mount"));
  const copy = found.find(({ Description }) => Description.includes("COPY a /a"));
  assert.equal(run?.Parents?.[0], copy?.ID);
  assert.ok((copy?.SizeBytes ?? 0) >= 100_000);
  assert.match(await stemma("du", "--verbose", "--filter", "description~=COPY"), /^ID: .*\nParents:\n - .*\nCreated at: {3}.*\nMutable: +false\nReclaimable: +true\nShared: +false\nSize: .*\nDescription: .*COPY a.*\nUsage count: {2}1\nLast used: .*\nType: +regular\n\n$/);

  assert.equal((await place.stemmaHere(["prune"], { input: "n\n" })).stdout, "");
  assert.equal((await rows()).length, found.length, "nobody agreed");
  assert.match(await stemma("prune", "-f", "--filter", "type=exec.cachemount"), /\*.*true.*\nTotal:\t/);
  assert.deepEqual(await rows("--filter", "type=exec.cachemount"), []);
  await stemma("prune", "-f", "--filter", "until=24h");
  assert.equal((await rows()).length, found.length - 1, "all of it was used lately");
  await stemma("prune", "-f", "--max-used-space=1GB");
  assert.equal((await rows()).length, found.length - 1);
  await stemma("prune", "-f");
  assert.deepEqual([...new Set((await rows()).map(({ Type }) => Type))], ["internal"]);
  const { stderr } = await place.stemmaHere(["prune", "-a", "-f", "--keep-storage=0"]);
  assert.match(stderr, /keep-storage has been deprecated/);
  assert.deepEqual(await rows(), []);
  await stemma("build", ...base(), ...archive("again.tar"), directory);
});

test("counts the builds that used each thing, until it is taken away", { skip: runSkip }, async () => {
  await stemma("prune", "-af");
  const directory = await project("counted", { Dockerfile: "FROM base\nCOPY a /a\nRUN --mount=type=cache,target=/cache cp /a /cache/\n", a: "counted" });
  const counts = async (filter: string): Promise<readonly number[]> => (await rows("--filter", filter)).map(({ UsageCount }) => UsageCount);
  await stemma("build", ...base(), ...archive("counted.tar"), directory);
  assert.deepEqual([await counts("description~=COPY a"), await counts("type=exec.cachemount")], [[1], [1]]);
  await stemma("build", ...base(), ...archive("counted.tar"), directory);
  // Its step was not run again.
  assert.deepEqual([await counts("description~=COPY a"), await counts("type=exec.cachemount")], [[2], [1]]);
  assert.ok((await counts("type=internal")).includes(2));
  await stemma("prune", "-f", "--filter", "type=exec.cachemount");
  await stemma("build", ...base(), ...archive("counted.tar"), "--no-cache", directory);
  assert.deepEqual(await counts("type=exec.cachemount"), [1]);
});

test("what is used least lately goes first, until the bound is kept", async () => {
  await stemma("prune", "-af");
  for (const name of ["one", "two", "three"]) {
    await stemma("build", await project(name, { Dockerfile: `FROM scratch\nCOPY ${name} /${name}\n`, [name]: name.repeat(100_000) }));
  }
  await stemma("build", join(place.path, "one"));
  const largest = Math.max(...(await rows()).map(({ SizeBytes }) => SizeBytes));
  await stemma("prune", "-f", `--max-used-space=${largest + 1000}`);
  assert.deepEqual((await rows()).map(({ Description }) => Description), ["[1/1] COPY one /one"]);
});

test("what a running build uses stays, and it comes to its end", { skip: runSkip }, async () => {
  await stemma("prune", "-af");
  const slow = await project("slow", { Dockerfile: `FROM base AS files\nCOPY a /a\nRUN cp /a /b\nFROM base\n${HELD_STEP}\nCOPY --from=files /b /c\nRUN cat /c\n`, a: "a\n" });
  // What a cache answers for is found, and held, before anything runs.
  await stemma("build", ...base(), "--target=files", slow);
  const other = await project("other", { Dockerfile: "FROM scratch\nCOPY b /b\n", b: "b\n" });
  await stemma("build", other);
  const running = place.start(["build", "--progress=plain", ...base(), ...archive("busy.tar"), slow]);
  await running.shown(/ begun$/m);
  const pruned = await stemma("prune", "-af");
  assert.match(pruned, /Total:\t[1-9]/, "what only the other build used goes");
  const left = await rows();
  assert.ok(left.some(({ Description, Reclaimable }) => Description.includes("RUN cp /a /b") && !Reclaimable), JSON.stringify(left));
  assert.ok(!left.some(({ Description }) => Description.includes("COPY b /b")));
  releaseHeldStep(join(place.path, "data/stemma"));
  const { exitCode, stderr } = await running.ended;
  assert.equal(exitCode, 0, stderr);
});

test("builds and collections at once never get into each other's way", { skip: runSkip }, async () => {
  let collecting = true;
  const collect = async (): Promise<void> => {
    while (collecting) await stemma("prune", "-af");
  };
  const build = async (number: number): Promise<void> => {
    for (let round = 0; round < 4; round++) {
      const directory = await project(`busy${number}`, { Dockerfile: `FROM base\nCOPY a /a\nRUN cp /a /b${round % 2}\nCOPY --from=base /etc/passwd /p\n`, a: `${number} ${round}\n` });
      await stemma("build", ...base(), ...archive(`busy${number}.tar`), directory);
    }
  };
  const collector = collect();
  try {
    await Promise.all([build(1), build(2)]);
  } finally {
    collecting = false;
    await collector;
  }
});

test("mirrors of repositories are listed, and taken away", { skip: gitServerSkip }, async () => {
  await using server = await startGitServer();
  await server.repository("app", { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
  await stemma("prune", "-af");
  await stemma("build", `${server.url}/app.git#main`);
  assert.deepEqual((await rows("--filter", "mutable")).map(({ Type }) => Type), ["source.git.checkout"]);
  await stemma("prune", "-f", "--filter", "type=source.git.checkout");
  assert.deepEqual(await rows("--filter", "mutable"), []);
  await stemma("build", "--no-cache", `${server.url}/app.git#main`);
});
