import assert from "node:assert/strict";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkStore } from "../../src/doors/store.ts";
import { openPlace, type Place } from "./command.ts";
import { HELD_STEP, releaseHeldStep } from "./held-step.ts";
import { finished, openWorkshop, runSkip, type Workshop } from "./workshop.ts";

const DOCKERFILE = "FROM base\nCOPY a /a\nRUN cp /a /b && ln -s b /c && ln /b /d\nRUN cat /a /b > /e\n";

let place: Place;
let workshop: Workshop;
let project: string;
let fresh: string;

before(async () => {
  if (runSkip !== false) return;
  place = await openPlace();
  workshop = await openWorkshop();
  project = join(place.path, "app");
  mkdirSync(project);
  writeFileSync(join(project, "a"), "x".repeat(50_000));
  fresh = await builtIn("fresh");
});

after(async () => {
  if (runSkip !== false) return;
  await workshop[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});

/** The digest of what is built in a root of that name. */
async function builtIn(name: string): Promise<string> {
  const request = await workshop.request(DOCKERFILE, {
    context: project, buildArgs: { SOURCE_DATE_EPOCH: "1600000000" }, provenance: "mode=max", tags: ["app:1"],
    // Of what was never serialised as it is, nobody knows the digest.
    outputs: [`type=oci,dest=${join(place.path, `${name}-as-is.tar`)}`, `type=oci,rewrite-timestamp=true,dest=${join(place.path, `${name}.tar`)}`],
  });
  const { outcome } = await finished({ ...request, root: join(place.path, name) });
  return (JSON.parse(outcome.metadata) as Record<string, string>)["containerimage.digest"] ?? "";
}

async function fsck(name: string, ...flags: readonly string[]): Promise<{ readonly exitCode: number; readonly stdout: string }> {
  const { exitCode, stdout, stderr } = await place.stemmaHere(["fsck", "--root", join(place.path, name), ...flags]);
  assert.equal(stderr, "");
  return { exitCode, stdout };
}

function summaryOf(stdout: string): string {
  return stdout.trimEnd().split("\n").at(-1) ?? "";
}

function linesBeforeSummary(stdout: string): number {
  return stdout.trimEnd().split("\n").length - 1;
}

/** What the command tells, without starting it. */
async function leftIn(root: string): Promise<readonly string[]> {
  const left: string[] = [];
  await checkStore(root, { repair: false }, ({ name, problem }) => void left.push(`${name}: ${problem}`), new AbortController().signal);
  return left;
}

/** The largest of the files that a pattern names. */
function victim(root: string, pattern: string): string {
  const [path] = globSync(pattern, { cwd: root }).map((each) => join(root, each)).filter((each) => existsSync(each)).toSorted((a, b) => readFileSync(b).length - readFileSync(a).length);
  assert.ok(path !== undefined, `no ${pattern}`);
  return path;
}

function flip(path: string, at = 0.5): void {
  const bytes = readFileSync(path);
  const position = Math.floor(bytes.length * at);
  bytes[position] = (bytes[position] ?? 0) ^ 0x01;
  writeFileSync(path, bytes);
}

const inDatabase = (root: string, sql: string): void => {
  const database = new DatabaseSync(join(root, "state.db"));
  database.exec(sql);
  database.close();
};

/** A layer of a RUN, whose form is a tree. */
const treeOfRun = (root: string): string => victim(root, "layers/layers/!(sha256-*)/tree/e");

const DAMAGES: Readonly<Record<string, { readonly names: RegExp; readonly damage: (root: string) => void }>> = {
  "a blob with a flipped bit": { names: /^blob sha256:/m, damage: (root) => flip(victim(root, "blobs/sha256/*")) },
  "a blob cut short": { names: /^blob sha256:/m, damage: (root) => truncateSync(victim(root, "blobs/sha256/*"), 10) },
  "a layer's archive with a flipped bit": { names: /^layer .*archive/m, damage: (root) => flip(victim(root, "layers/layers/*/tar")) },
  "a layer's archive that is gone": { names: /^layer .*ENOENT/m, damage: (root) => unlinkSync(victim(root, "layers/layers/*/tar")) },
  "an index with a mode that is another": {
    names: /^layer .*index says something else/m,
    damage(root) {
      const index = victim(root, "layers/layers/sha256-*/index");
      writeFileSync(index, readFileSync(index, "utf8").replace(/,(493|511|420),/, ",448,"));
    },
  },
  "an index cut short": { names: /^layer .*(?:ends too early|damaged)/m, damage: (root) => { const index = victim(root, "layers/layers/*/index"); truncateSync(index, readFileSync(index).length - 20); } },
  "an index that is gone": { names: /^layer .*ENOENT/m, damage: (root) => unlinkSync(victim(root, "layers/layers/!(sha256-*)/index")) },
  "a diff id that is another": { names: /^layer /m, damage: (root) => writeFileSync(victim(root, "layers/layers/!(sha256-*)/diff-id"), `sha256:${"0".repeat(64)}`) },
  "a file of a RUN's tree with another content": { names: /^layer .*(?:tree makes|another content)/m, damage: (root) => flip(treeOfRun(root)) },
  "a file of a RUN's tree that is gone": { names: /^layer .*missing in its tree/m, damage: (root) => unlinkSync(treeOfRun(root)) },
  "a file in a base's tree that nobody put there": { names: /^layer .*not in its index/m, damage: (root) => writeFileSync(join(victim(root, "layers/layers/sha256-*/tree/bin/busybox"), "../stranger"), "") },
  "a base's tree with another content": { names: /^layer .*another content in its tree/m, damage: (root) => flip(victim(root, "layers/layers/sha256-*/tree/bin/busybox")) },
  "a layer that is gone": { names: /^record .*which is not there/m, damage: (root) => rmSync(join(treeOfRun(root), "../.."), { recursive: true }) },
  "records that are none": { names: /^record .*is no record/m, damage: (root) => inDatabase(root, "UPDATE cache_records SET value = 'x'") },
  "a database that is none": { names: /^database state\.db/m, damage: (root) => writeFileSync(join(root, "state.db"), "this is no database, and long enough to be looked at as one") },
  "a record of the history that is none": { names: /^build .*is no record/m, damage: (root) => writeFileSync(victim(root, "history/*/record.json"), "{") },
};


describe("damage is found, taken away, and made anew", { skip: runSkip }, () => {
  test("a store that is whole has none", async () => {
    const { exitCode, stdout } = await fsck("fresh");
    assert.match(stdout, /^\d+ blobs, \d+ layers, \d+ records, 1 builds: no damage\n$/);
    assert.equal(exitCode, 0);
  });

  for (const [what, { names, damage }] of Object.entries(DAMAGES)) {
    test(what, async () => {
      const root = join(place.path, "damaged");
      rmSync(root, { recursive: true, force: true });
      await place.run(["cp", "--archive", join(place.path, "fresh"), root]);
      damage(root);
      const found = await fsck("damaged");
      assert.match(found.stdout, names);
      assert.equal(found.exitCode, 1);
      const count = linesBeforeSummary(found.stdout);
      assert.match(summaryOf(found.stdout), new RegExp(`: ${count} damaged$`));
      const repaired = await fsck("damaged", "--repair");
      assert.match(repaired.stdout, /: taken away$/m);
      const taken = linesBeforeSummary(repaired.stdout);
      assert.ok(count > 0 && taken > 0);
      assert.match(summaryOf(repaired.stdout), new RegExp(`: ${taken} damaged, ${taken} taken away$`));
      assert.equal(repaired.exitCode, 0, repaired.stdout);
      assert.equal(await builtIn("damaged"), fresh);
      assert.deepEqual(await leftIn(root), []);
    });
  }

  test("what a build uses is left, and said to be", async () => {
    const root = join(place.path, "damaged");
    writeFileSync(join(project, "slow.Dockerfile"), `${DOCKERFILE}${HELD_STEP}\n`);
    const running = place.start(["build", "--progress=plain", "--root", root, "--build-arg", "SOURCE_DATE_EPOCH=1600000000", "--build-context", `base=oci-layout://${workshop.base}`, "-f", join(project, "slow.Dockerfile"), project]);
    await running.shown(/ begun$/m);
    flip(treeOfRun(root));
    const { exitCode, stdout } = await fsck("damaged", "--repair");
    assert.match(stdout, /^layer .*: left, a process uses it$/m);
    assert.match(summaryOf(stdout), /: 1 damaged, 0 taken away$/);
    assert.equal(exitCode, 1);
    releaseHeldStep(root);
    assert.equal((await running.ended).exitCode, 0);
    assert.equal((await fsck("damaged", "--repair")).exitCode, 0);
  });
});

