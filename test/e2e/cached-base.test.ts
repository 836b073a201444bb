import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildEvent } from "../../src/doors/build.ts";
import { openPlace } from "./command.ts";
import { openWorkshop, runSkip } from "./workshop.ts";

const LIMIT = { timeout: 240_000, skip: runSkip };

/** The base of a workshop is a layout. */
const BASE = "[context base] OCI load from client";

/** How the step of the base went, as displays tell it. */
function baseSteps(events: readonly BuildEvent[]): readonly string[] {
  const bases = events.flatMap((event) => (event.kind === "step-planned" && event.name === BASE ? [event.step] : []));
  return events.flatMap((event) => ("step" in event && event.step !== undefined && bases.includes(event.step) && /^step-(?:started|finished|cached)$/.test(event.kind) ? [event.kind.slice(5)] : []));
}

test("a base is looked up in every build, and cached where a step needs it that an earlier build needed, until it is removed", LIMIT, async () => {
  await using place = await openPlace();
  await using workshop = await openWorkshop();
  const run = async (words: string, options = {}): Promise<readonly string[]> => baseSteps((await workshop.build(`FROM base\nRUN ${words}\n`, options)).events);
  const inHistory = async (): Promise<unknown> => {
    const { stdout } = await place.stemmaHere(["history", "logs", "--root", workshop.root]);
    return [...stdout.matchAll(/OCI load from client\n(?:#\d+ [^\n]*\n)*?#\d+ (CACHED|DONE)/g)].at(-1)?.[1] ?? stdout;
  };
  assert.ok(!(await run("echo one")).includes("cached"), "the first build has it from its place");
  assert.equal(await inHistory(), "DONE");
  assert.deepEqual(await run("echo one"), ["started", "finished"], "nobody needs it");
  assert.deepEqual(await run("echo two"), ["started", "finished", "cached"]);
  assert.equal(await inHistory(), "CACHED");
  assert.deepEqual(await run("echo two", { noCache: true }), ["started", "finished", "cached"], "--no-cache is for steps");
  const { exitCode, stderr } = await place.stemmaHere(["prune", "--all", "--force", "--root", workshop.root]);
  assert.equal(exitCode, 0, stderr);
  assert.ok(!(await run("echo two")).includes("cached"), "it has to be had again");
});
