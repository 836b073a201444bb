import assert from "node:assert/strict";
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { scoutDirectory } from "./directory-scout.ts";
import { rememberWalk, scoutMemory, SCOUTED_NAMES_MIN, walkText } from "./scout-memory.ts";

const signal = new AbortController().signal;
const LARGE = { selection: "all", directories: ["", "d", "gone"], nameCount: SCOUTED_NAMES_MIN };

interface Place {
  readonly context: string;
  readonly state: string;
  readonly fingerprint: () => Promise<string | undefined>;
}

/** A directory with two files, of which a large walk is remembered as far as a scout knows. */
function openPlace(t: TestContext): Place {
  const path = mkdtempSync(join(tmpdir(), "stemma-scout-"));
  t.after(() => rmSync(path, { recursive: true }));
  const [context, state] = [join(path, "context"), join(path, "state")];
  mkdirSync(join(context, "d"), { recursive: true });
  for (const name of ["d/a", "d/b"]) writeFileSync(join(context, name), "one");
  return {
    context, state,
    fingerprint: async () => {
      // A scout that finds less than a large context takes the memory away.
      rememberWalk(state, context, LARGE);
      return (await scoutDirectory(context, state)?.sighting(signal))?.fingerprint;
    },
  };
}

test("a directory that nobody touched is seen the same, and whatever is done to it makes it another", async (t) => {
  const { context, fingerprint } = openPlace(t);
  const file = join(context, "d/a");
  const changes: Readonly<Record<string, () => void>> = {
    "other bytes under the same size and time": () => {
      writeFileSync(file, "two");
      utimesSync(file, 1000, 1000);
    },
    "a mode": () => chmodSync(file, 0o600),
    "a file more": () => writeFileSync(join(context, "d/c"), ""),
    "a file less": () => rmSync(join(context, "d/c")),
    "a name": () => renameSync(join(context, "d/b"), join(context, "d/e")),
    "another file in its place": () => {
      writeFileSync(join(context, "f"), "one");
      renameSync(join(context, "f"), file);
    },
    "a second name elsewhere": () => linkSync(file, join(context, "..", "elsewhere")),
    "a link": () => symlinkSync("a", join(context, "d/link")),
    "a directory where there was none": () => mkdirSync(join(context, "gone")),
    "a file in that": () => writeFileSync(join(context, "gone/x"), ""),
  };
  utimesSync(file, 1000, 1000);
  let before = await fingerprint();
  assert.match(String(before), /^[0-9a-f]{64}$/);
  for (const [what, change] of Object.entries(changes)) {
    assert.equal(await fingerprint(), before, `before ${what}`);
    change();
    const after = await fingerprint();
    assert.notEqual(after, before, what);
    before = after;
  }
});

test("another walk is another sight, though the files are the same", async (t) => {
  const { context, state, fingerprint } = openPlace(t);
  const all = await fingerprint();
  rememberWalk(state, context, { ...LARGE, selection: "some" });
  const some = await scoutDirectory(context, state)?.sighting(signal);
  assert.notEqual(some?.fingerprint, all);
  assert.equal(some?.walk, walkText({ ...LARGE, selection: "some" }));
});

test("names that are no UTF-8 cannot be told apart, so nothing is said of them", async (t) => {
  const { context, fingerprint } = openPlace(t);
  writeFileSync(Buffer.concat([Buffer.from(`${context}/d/`), Buffer.from([0xff])]), "");
  assert.equal(await fingerprint(), undefined);
});

test("nobody is sent where no large walk is remembered, and what has become small is forgotten", async (t) => {
  const { context, state } = openPlace(t);
  rememberWalk(state, context, { ...LARGE, nameCount: SCOUTED_NAMES_MIN - 1 });
  assert.equal(scoutDirectory(context, state), undefined);
  assert.equal(scoutDirectory(join(context, "nowhere"), state), undefined);
  rememberWalk(state, context, LARGE);
  assert.notEqual(await scoutDirectory(context, state)?.sighting(signal), undefined);
  // It is the thread that forgets, after it has told.
  while (existsSync(scoutMemory(state, context))) await new Promise((resolve) => setImmediate(resolve));
});

test("who is aborted does not wait for it", async (t) => {
  const { context, state } = openPlace(t);
  rememberWalk(state, context, LARGE);
  await assert.rejects(async () => await scoutDirectory(context, state)?.sighting(AbortSignal.abort(new Error("enough"))), { message: "enough" });
});

test("a state root that can be no directory has nobody sent: whoever opens it tells", (t) => {
  const { context } = openPlace(t);
  assert.equal(scoutDirectory(context, join(context, "d/a")), undefined);
});
