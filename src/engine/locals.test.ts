import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { usedTrees } from "../git/used-trees.ts";
import { walkText } from "../host/scout-memory.ts";
import { bytesDirectory } from "../session/bytes-directory.ts";
import type { LocalDirectory, LocalSelection, Session } from "../session/session.ts";
import { treeDigest } from "../snapshot/tree-digest.ts";
import { Tree } from "../snapshot/tree.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { localSources, type LocalSources } from "./locals.ts";

const signal = new AbortController().signal;
const EVERYTHING: LocalSelection = { followPaths: undefined, includePatterns: [], excludePatterns: [] };
/** Each step takes several times ten milliseconds for that many, on any machine. */
const FILES = 30_000;

/** In memory; each file is remembered by its path. */
function manyFiles(onRead: () => void): LocalDirectory {
  const directory = bytesDirectory(new Map(Array.from({ length: FILES }, (_, i) => [`d${String(i % 100)}/f${String(i)}`, Buffer.from(String(i))] as const)));
  return {
    read(path, readSignal) {
      onRead();
      return directory.read(path, readSignal);
    },
    async *walk(selection, walkSignal) {
      for await (const entry of directory.walk(selection, walkSignal)) yield { ...entry, validator: entry.path };
    },
  };
}

/** Counts how often others got their turn. */
function countTurns(t: TestContext): () => number {
  let [turns, isOver] = [0, false];
  const next = (): void => void setImmediate(() => {
    turns += 1;
    if (!isOver) next();
  });
  next();
  t.after(() => (isOver = true));
  return () => turns;
}

test("every step on the way from many small files to their names lets others have their turn", async (t) => {
  const turns = countTurns(t);
  /** Unless all of it takes less than twice what is done in one go. */
  const givesTurns = async (work: () => Promise<unknown>): Promise<boolean> => {
    const [before, startedMs] = [turns(), performance.now()];
    await work();
    return turns() > before || performance.now() - startedMs < 20;
  };
  const [readAt, savedAt]: [Set<number>, Set<number>] = [new Set(), new Set()];
  const directory = manyFiles(() => readAt.add(turns()));
  const session: Session = { id: "test", directory: () => directory, secret: async () => undefined, agent: async () => undefined };
  using state = openStateDatabase(":memory:");
  const database: typeof state = {
    ...state,
    saveFileDigests(digests) {
      savedAt.add(turns());
      state.saveFileDigests(digests);
    },
  };
  const { layer, digests, root } = await localSources({ session, database, blobFormat: "sha1", findsSecrets: false }).read("context", EVERYTHING, signal);
  assert.equal(state.fileDigests(["d0/f0", "d99/f29999"]).size, 2, "of the first and the last");
  assert.ok(readAt.size > 1, "hashing");
  assert.ok(savedAt.size > 1, "remembering");

  const contents = new Map(await Promise.all((await layer.entries(signal)).map(async (entry) => [entry, await layer.contentDigest(entry, signal)] as const)));
  assert.ok(await givesTurns(async () => await Tree.open([{ ...layer }], signal)), "merging");
  const tree = await Tree.open([layer], signal);
  const named = await digests(signal);
  assert.ok(await givesTurns(async () => assert.equal(await treeDigest(tree, ({ stored }) => contents.get(stored) ?? assert.fail(), signal), root)), "the digest of all");
  assert.ok(await givesTurns(async () => assert.equal((await usedTrees(tree.root, { format: "sha1", blob: ({ stored }) => named.get(stored.path)?.blob }, signal)).get("")?.files, FILES)), "the ids of git's trees");
});

test("what a build without a search remembered of a walk does not hide secrets from one that searches", async () => {
  const { begin, body, end } = new RandomSecrets(7).privateKey("");
  const files = bytesDirectory(new Map([["key", Buffer.from([begin, ...body, end, ""].join("\n"))], ["plain", Buffer.from("text")]]));
  let reads = 0;
  const directory: LocalDirectory = {
    read(path, readSignal) {
      reads += 1;
      return files.read(path, readSignal);
    },
    async *walk(selection, walkSignal) {
      for await (const entry of files.walk(selection, walkSignal)) yield { ...entry, validator: entry.path };
    },
  };
  using database = openStateDatabase(":memory:");
  const told = async (findsSecrets: boolean): Promise<readonly string[]> => {
    const session: Session = { id: "test", directory: () => directory, secret: async () => undefined, agent: async () => undefined };
    return [...(await localSources({ session, database, blobFormat: undefined, findsSecrets }).read("context", EVERYTHING, signal)).told.keys()];
  };
  assert.deepEqual(await told(false), []);
  assert.deepEqual([await told(true), reads], [["key"], 4]);
  assert.deepEqual([await told(true), await told(false), reads], [["key"], [], 4]);
});

test("a walk that was spared is made when a step runs, before the step can have others change the files", async () => {
  const files = bytesDirectory(new Map([["f", Buffer.from("one")]]));
  const walked = { selection: "", directories: [""], nameCount: 1 };
  let walks = 0;
  const directory: LocalDirectory = {
    read: (path, readSignal) => files.read(path, readSignal),
    sighting: async () => ({ fingerprint: "seen", walk: walkText(walked) }),
    async *walk(selection, walkSignal, looked) {
      walks += 1;
      for await (const entry of files.walk(selection, walkSignal)) yield { ...entry, validator: entry.path };
      looked?.(walked);
    },
  };
  const session: Session = { id: "test", directory: () => directory, secret: async () => undefined, agent: async () => undefined };
  using database = openStateDatabase(":memory:");
  const sources = (): LocalSources => localSources({ session, database, blobFormat: undefined, findsSecrets: false });
  await sources().read("context", EVERYTHING, signal);
  const [spared, late] = [sources(), sources()];
  const { layer } = await spared.read("context", EVERYTHING, signal);
  late.stepRuns();
  assert.equal(walks, 1);
  spared.stepRuns();
  assert.equal(walks, 2);
  assert.equal((await layer.entries(signal)).length, 1);
  await late.read("context", EVERYTHING, signal);
  assert.equal(walks, 3);
});
