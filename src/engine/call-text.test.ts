import assert from "node:assert/strict";
import { test } from "node:test";
import { describeSubrequests } from "../frontend/dockerfile/subrequest-json.ts";
import type { TargetList } from "../frontend/dockerfile/targets.ts";
import { subrequestsText, targetsText } from "./call-text.ts";

const target = (name: string, isDefault: boolean, description = "") => ({ name, isDefault, description, base: "", platform: "", location: [] });
const list = (...targets: readonly ReturnType<typeof target>[]): TargetList => ({ targets, dockerfile: { filename: "", data: new Uint8Array(), definition: { def: [], metadata: new Map(), source: undefined } } });

test("stages are listed one blank apart, with a row also for those that have no name", () => {
  assert.equal(targetsText(list(target("build", false, "compiles it"), target("", false), target("final", true, "runs it"))), "TARGET          DESCRIPTION\nbuild           compiles it\n                \nfinal (default) runs it\n");
  assert.equal(targetsText(list(target("", true))), "TARGET    DESCRIPTION\n(default) \n");
});

test("what can be asked is told in BuildKit's words and members", () => {
  assert.equal(subrequestsText(), "NAME                 VERSION DESCRIPTION\noutline              1.0.0   List all parameters current build target supports\ntargets              1.0.0   List all targets current build supports\nsubrequests.describe 1.0.0   List available subrequest types\n");
  const [outline, targets, describe] = JSON.parse(describeSubrequests()) as ReadonlyArray<Record<string, unknown>>;
  assert.deepEqual(Object.keys(outline ?? {}), ["name", "version", "type", "description", "opts", "inputs", "metadata", "refs"]);
  assert.deepEqual([outline?.["opts"], targets?.["opts"], describe?.["opts"], describe?.["inputs"]], [[{ name: "target", description: "Target build stage" }], [], null, null]);
});
