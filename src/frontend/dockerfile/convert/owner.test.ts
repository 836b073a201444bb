import assert from "node:assert/strict";
import { test } from "node:test";
import type { Principal } from "../../../llb/file-vertex.ts";
import { conformance } from "../../../testing/conformance.ts";
import { parseOwner } from "./owner.ts";

type GoUser = { readonly User: { readonly byId?: number; readonly byName?: { readonly name: string } } };

const oracle = conformance<{
  readonly cases: ReadonlyArray<{ readonly fn: string; readonly in: string; readonly out: { readonly user?: GoUser; readonly group?: GoUser } }>;
}>("vectors/go_functions_oracle.json");

test("owners are read as by BuildKit", { skip: oracle.skip }, () => {
  const rows = oracle.read().cases.filter(({ fn }) => fn === "llb.WithUser -> ChownOpt");
  assert.ok(rows.length > 0);
  for (const { in: text, out } of rows) {
    const { user, group } = parseOwner(text);
    assert.deepEqual({ user, group }, { user: principal(out.user), group: principal(out.group) }, text);
  }
});

function principal(go: GoUser | undefined): Principal | undefined {
  if (go === undefined) return undefined;
  const { byId = 0, byName } = go.User;
  return byName === undefined ? { kind: "id", id: byId } : { kind: "name", name: byName.name };
}
