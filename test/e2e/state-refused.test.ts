import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, test } from "node:test";
import { openPlace, type CommandRun, type Place } from "./command.ts";
import { assertNothingRuns } from "./nothing-left.ts";
import { BASE, contextWithBase, runSkip } from "./small-base.ts";

let place: Place;
let root: string;
let context: string;

before(async () => {
  place = await openPlace();
  root = join(place.path, "state");
  context = await contextWithBase(place, "context", { Dockerfile: `${BASE}COPY a /\nRUN echo made > /b\n`, Other: "FROM scratch\nCOPY a /other\n", a: "a\n" });
  await builds();
});

after(async () => {
  await place[Symbol.asyncDispose]();
});

const args = (file = "Dockerfile"): string[] => ["build", "--root", root, "--progress=plain", "-f", join(context, file), "-o", "type=tar,dest=/dev/null", context];

async function builds(): Promise<string> {
  const { exitCode, stderr } = await place.stemmaHere(args());
  assert.equal(exitCode, 0, stderr);
  return stderr;
}

/** Names, modes and contents of all that lies below; SQLite's own side files left out. */
function stateOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted().filter((name) => !/-(wal|shm)$/.test(name)).map((name) => {
    const path = join(directory, name);
    const stat = lstatSync(path);
    return `${name} ${stat.mode.toString(8)} ${stat.isFile() ? createHash("sha256").update(readFileSync(path)).digest("hex") : ""}`;
  });
}

function assertRefused({ exitCode, stdout, stderr }: CommandRun, says: RegExp): void {
  assert.equal(exitCode, 74, stderr);
  assert.equal(stdout, "");
  assert.match(stderr.trimEnd().split("\n").at(-1) ?? "", says);
  assert.equal(stderr.split("\n").filter((line) => line.startsWith("ERROR: ")).length, 1, stderr);
  assert.doesNotMatch(stderr, /\n {4}at |bug in stemma/);
}

/** What was there is there still, and a build of it has nothing to do. */
async function assertNothingLost(state: readonly string[]): Promise<void> {
  assert.deepEqual(stateOf(root), state);
  await assertNothingRuns(place.path);
  assert.match(await builds(), /#\d+ \[\d\/\d\] RUN echo made > \/b\n#\d+ CACHED/);
}

describe("a state root that cannot be written", { skip: runSkip }, () => {
  for (const [what, file] of [["a build that is cached", "Dockerfile"], ["a build that is not", "Other"]] as const) {
    test(`as its file system is read-only refuses ${what} with what to do, and loses nothing`, async () => {
      const state = stateOf(root);
      const wrapper = ["unshare", "--mount", "sh", "-c", 'mount --bind "$ROOT" "$ROOT" && mount -o remount,ro,bind "$ROOT" || exit 99; exec "$@"', "sh"];
      assertRefused(await place.stemma(args(file), { wrapper, env: { ROOT: root } }), /^ERROR: failed to build: .*: the file system is read-only; use another --root$/);
      await assertNothingLost(state);
    });
  }

  test("as it is somebody else's is refused with what to do, and loses nothing", { skip: existsSync("/usr/bin/setpriv") ? false : "setpriv is not installed" }, async () => {
    chmodSync(place.path, 0o755);
    const state = stateOf(root);
    assertRefused(await place.stemma(args(), { wrapper: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"], env: { HOME: "/nonexistent" } }), /^ERROR: failed to build: .*: check who owns it, or use another --root$/);
    await assertNothingLost(state);
  });
});

describe("a state root of a newer version", () => {
  test("is refused as a whole where its database is, and loses nothing", { skip: runSkip }, async () => {
    const setVersion = (version: number): number => {
      using database = new DatabaseSync(join(root, "state.db"));
      const before = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
      database.exec(`PRAGMA user_version=${version}`);
      return before;
    };
    const ours = setVersion(99);
    const state = stateOf(root);
    for (const file of ["Dockerfile", "Other"]) assertRefused(await place.stemmaHere(args(file)), /^ERROR: failed to build: \S+\/state\.db: written by a newer stemma \(state version 99, this one knows \d+\); upgrade, or use another --root$/);
    assert.deepEqual(stateOf(root), state);
    setVersion(ours);
    await assertNothingLost(stateOf(root));
  });

  test("is refused where a layer's index is, and loses nothing", { skip: runSkip }, async () => {
    const indexes = readdirSync(join(root, "layers"), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("/index")).map((name) => join(root, "layers", name));
    assert.ok(indexes.length > 0);
    const before = indexes.map((path) => readFileSync(path));
    for (const [at, path] of indexes.entries()) writeFileSync(path, before[at]?.toString("utf8").replace('{"version":1', '{"version":2') ?? "");
    const state = stateOf(root);
    assertRefused(await place.stemmaHere(args()), /index of version 2; upgrade, or use another --root$/);
    assert.deepEqual(stateOf(root).filter((line) => line.startsWith("layers/")), state.filter((line) => line.startsWith("layers/")));
    for (const [at, path] of indexes.entries()) writeFileSync(path, before[at] ?? "");
    assert.match(await builds(), /RUN echo made > \/b\n#\d+ CACHED/);
  });
});
