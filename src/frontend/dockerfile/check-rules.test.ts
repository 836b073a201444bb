import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { checkRule, ruleNames } from "./check-rules.ts";

const rules = conformance<{ readonly cases: ReadonlyArray<{ readonly Name: string; readonly Deprecated: boolean }> }>("vectors/linter_rules.json");

test("the rules stand in BuildKit's order, and there are no others", { skip: rules.skip }, () => {
  assert.deepEqual(ruleNames(), rules.read().cases.filter(({ Deprecated }) => !Deprecated).map(({ Name }) => Name));
});

test("a name that no rule has is none", () => {
  assert.equal(checkRule("toString"), undefined);
});
