import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseChallenges } from "./challenge.ts";
import { coversScopes, mergeScopes, repositoryScope } from "./scope.ts";

describe("scopes", () => {
  test("are merged by resource and sorted, so that equal needs look equal", () => {
    const push = repositoryScope("a/b", "push");
    assert.deepEqual(mergeScopes([push, repositoryScope("base", "pull"), "repository:a/b:pull", "registry:catalog:*"]), [
      "registry:catalog:*", "repository:a/b:pull,push", "repository:base:pull",
    ]);
  });

  test("for more cover those for less, and only of the same resource", () => {
    const held = ["repository:a:pull,push", "repository:b:pull"];
    assert.ok(coversScopes(held, ["repository:a:pull"]));
    assert.ok(coversScopes(held, ["repository:a:push,pull", "repository:b:pull"]));
    assert.ok(coversScopes(held, []));
    assert.ok(!coversScopes(held, ["repository:b:push"]));
    assert.ok(!coversScopes(held, ["repository:c:pull"]));
  });
});

describe("challenges", () => {
  const read = (header: string): unknown => parseChallenges(header).map(({ scheme, parameters }) => ({ [scheme]: Object.fromEntries(parameters) }));

  test("are read with quoted commas, escapes and several schemes", () => {
    assert.deepEqual(read('Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"'), [
      { bearer: { realm: "https://auth.example/token", service: "registry", scope: "repository:a/b:pull,push" } },
    ]);
    assert.deepEqual(read('Negotiate, BASIC Realm = "a \\"b\\", c" , charset=UTF-8, Bearer realm=x'), [
      { negotiate: {} }, { basic: { realm: 'a "b", c', charset: "UTF-8" } }, { bearer: { realm: "x" } },
    ]);
  });

  test("that are not well formed give what can be read of them", () => {
    assert.deepEqual(read(""), []);
    assert.deepEqual(read('realm="x"'), []);
    assert.deepEqual(read('Bearer realm="unfinished'), [{ bearer: { realm: "" } }]);
    assert.deepEqual(read("=,,="), []);
  });
});
