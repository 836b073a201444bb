import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exportedNames, publicDoors } from "./api.ts";

const DIRECTORY = join(import.meta.dirname, "../docs/api");

test("names are found in every way of exporting that a door uses", () => {
  const source = `
export { build, BuildError as Failure, type Plan } from "./a.ts";
export type {
  Outcome,
  Request as BuildRequest,
} from "./b.ts";
export interface Run { readonly kind: "x" }
export type Choice = "a" | "b";
export async function start(): Promise<void> {}
export class Thing {}
export const LIMIT: number = 1;
import { hidden } from "./c.ts";
`;
  assert.deepEqual(exportedNames(source), [
    "type  BuildRequest", "type  Choice", "type  Outcome", "type  Plan", "type  Run",
    "value Failure", "value LIMIT", "value Thing", "value build", "value start",
  ]);
});

test("a door that exports what it does not name is refused", () => {
  for (const source of [`export * from "./a.ts";`, "export default 1;"]) assert.throws(() => exportedNames(source), /by name/);
});

for (const { name, subpath, source } of publicDoors()) {
  test(`${subpath} exports what docs/api/${name}.txt says, no more and no less`, async () => {
    const names = exportedNames(readFileSync(source, "utf8"));
    assert.equal(new Set(names).size, names.length, "a name is exported twice");
    compare(join(DIRECTORY, `${name}.txt`), `${subpath}\n\n${names.join("\n")}\n`);
    // What is there when the door is opened, so that the text cannot be wrong about it.
    const opened = Object.keys((await import(source)) as object).map((key) => `value ${key}`);
    assert.deepEqual(names.filter((text) => text.startsWith("value ")), opened.toSorted());
  });
}

test("there is no list of a door that is closed", () => {
  const expected = publicDoors().map(({ name }) => `${name}.txt`).toSorted();
  assert.deepEqual(existsSync(DIRECTORY) ? readdirSync(DIRECTORY).toSorted() : [], expected);
});

/** UPDATE_GOLDEN=1 rewrites; the diff is then the review. */
function compare(path: string, actual: string): void {
  if (process.env["UPDATE_GOLDEN"] === "1") {
    mkdirSync(DIRECTORY, { recursive: true });
    writeFileSync(path, actual);
  }
  assert.equal(actual, existsSync(path) ? readFileSync(path, "utf8") : "");
}
