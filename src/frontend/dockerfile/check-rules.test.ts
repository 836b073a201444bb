import assert from "node:assert/strict";
import { test } from "node:test";
import { conformance } from "../../testing/conformance.ts";
import { checkRule, ruleNames } from "./check-rules.ts";

const rules = conformance<{ readonly cases: ReadonlyArray<{ readonly Name: string; readonly Description: string; readonly URL: string; readonly Deprecated: boolean; readonly Experimental: boolean }> }>("vectors/linter_rules.json");

test("the rules are BuildKit's, in its order", { skip: rules.skip }, () => {
  const expected = rules.read().cases.filter(({ Deprecated }) => !Deprecated);
  assert.deepEqual(
    ruleNames().map((name) => ({ name, ...checkRule(name) })),
    expected.map(({ Name, Description, URL, Experimental }) => ({ name: Name, description: Description, url: URL, experimental: Experimental })),
  );
});

test("a name that no rule has is none", () => {
  assert.equal(checkRule("toString"), undefined);
});
