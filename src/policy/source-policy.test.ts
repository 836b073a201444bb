import assert from "node:assert/strict";
import { test } from "node:test";
import { PolicyError } from "./policy-error.ts";
import { parseSourcePolicy } from "./source-policy-file.ts";
import { evaluateSourcePolicies, type PolicySource } from "./source-policy.ts";

function evaluate(rules: readonly unknown[], identifier: string, attrs: Readonly<Record<string, string>> = {}): PolicySource | string {
  try {
    return evaluateSourcePolicies([parseSourcePolicy(JSON.stringify({ version: 1, rules }), "p.json")], { identifier, attrs });
  } catch (error) {
    if (error instanceof PolicyError) return error.message;
    throw error;
  }
}

const ALPINE = "docker-image://docker.io/library/alpine:3.20";
const DENIED = `source ${JSON.stringify(ALPINE)} denied by policy: source denied by policy`;
const deny = (identifier: string, more: object = {}): object => ({ action: "DENY", selector: { identifier, ...more } });
const allow = (identifier: string): object => ({ action: "ALLOW", selector: { identifier } });
const convert = (identifier: string, to: string, more: object = {}): object => ({ action: "CONVERT", selector: { identifier, ...more }, updates: { identifier: to } });

test("of rules that allow and deny the last that matches counts", () => {
  assert.equal(evaluate([deny("docker-image://*")], ALPINE), DENIED);
  assert.equal(evaluate([allow(ALPINE), deny("docker-image://*")], ALPINE), DENIED);
  assert.deepEqual(evaluate([deny("docker-image://*"), allow(ALPINE)], ALPINE), { identifier: ALPINE, attrs: {} });
  assert.deepEqual(evaluate([deny("docker-image://*")], "local://context"), { identifier: "local://context", attrs: {} });
});

test("a name matches as it says: with wildcards, exactly, or as a pattern", () => {
  for (const [identifier, type, matches] of [
    ["docker-image://docker.io/library/*:3.20", undefined, true], ["docker-image://docker.io/library/alpine", "WILDCARD", false], ["docker-image://docker.io/library/alpine:3?20", "WILDCARD", false],
    ["docker-image://*", "EXACT", false], [ALPINE, "EXACT", true], ["alpine:\\d+", "REGEX", true], ["^alpine", "REGEX", false], ["alpine:\\d+", 2, true],
  ] as const) assert.equal(evaluate([deny(identifier, { match_type: type })], ALPINE) === DENIED, matches, `${identifier} ${type}`);
});

test("attributes hold a rule to a part of what it names", () => {
  const held = (condition: string, value: string): unknown => evaluate([deny("*", { constraints: [{ key: "k", value, condition }] })], ALPINE, { k: "one" });
  assert.equal(held("EQUAL", "one"), DENIED);
  assert.notEqual(held("EQUAL", "two"), DENIED);
  assert.equal(held("NOTEQUAL", "two"), DENIED);
  assert.equal(held("MATCHES", "^o"), DENIED);
  assert.notEqual(held("MATCHES", "^n"), DENIED);
});

test("what is converted is asked about anew, and not without end", () => {
  const mirror = "docker-image://mirror.example/alpine:3.20";
  assert.deepEqual(evaluate([convert("docker-image://docker.io/library/*:*", "docker-image://mirror.example/${1}:$2")], ALPINE), { identifier: mirror, attrs: {} });
  assert.deepEqual(evaluate([convert("docker\\.io/library/(?P<name>\\w+)", "mirror.example/${name}", { match_type: "REGEX" })], ALPINE), { identifier: mirror, attrs: {} });
  assert.match(JSON.stringify(evaluate([convert(ALPINE, mirror), deny(mirror)], ALPINE)), /mirror\.example\/alpine:3\.20\W+ denied by policy/);
  assert.match(JSON.stringify(evaluate([convert("a*", "b${1}"), convert("b*", "a${1}")], "ax")), /too many mutations on a single source/);
  assert.deepEqual(evaluate([{ action: "CONVERT", selector: { identifier: "http://h/f" }, updates: { attrs: { "http.checksum": "sha256:x" } } }], "http://h/f", { a: "b" }), { identifier: "http://h/f", attrs: { a: "b", "http.checksum": "sha256:x" } });
});

test("what is not understood is an error with its place", () => {
  for (const [rules, says] of [
    [[{ action: "DNY", selector: { identifier: "*" } }], /rules\[0\]\.action: \W+DNY\W+ is none of/],
    [[{ action: "DENY", selectr: { identifier: "*" } }], /rules\[0\]: unknown member \W+selectr/],
    [[{ action: "DENY" }], /invalid nil selector in policy/],
    [[deny("**")], /invalid wildcard/],
    [[deny("(", { match_type: "REGEX" })], /invalid regex/],
    [[{ action: "CONVERT", selector: { identifier: ALPINE } }], /missing destination for convert rule/],
  ] as const) assert.match(JSON.stringify(evaluate(rules, ALPINE)), says);
  assert.throws(() => parseSourcePolicy("{", "p.json"), /failed to parse source policy p\.json/);
});

test("several lists have all to allow, and one that changes a source has all asked about what it made", () => {
  const all = (...lists: ReadonlyArray<readonly object[]>): PolicySource | string => {
    try {
      return evaluateSourcePolicies(lists.map((rules) => parseSourcePolicy(JSON.stringify({ rules }), "p.json")), { identifier: ALPINE, attrs: {} });
    } catch (error) {
      if (error instanceof PolicyError) return error.message;
      throw error;
    }
  };
  const [busybox, scratch] = ["docker-image://docker.io/library/busybox:1", "docker-image://docker.io/library/scratch:1"];
  assert.deepEqual(all(), { identifier: ALPINE, attrs: {} });
  assert.equal(all([deny(ALPINE)], [allow(ALPINE)]), DENIED);
  assert.equal(all([allow(ALPINE)], [deny(ALPINE)]), DENIED);
  assert.deepEqual(all([convert(ALPINE, busybox)], [convert(busybox, scratch)]), { identifier: scratch, attrs: {} });
  assert.deepEqual(all([convert(busybox, scratch)], [convert(ALPINE, busybox)]), { identifier: scratch, attrs: {} });
  assert.equal(all([deny(busybox)], [convert(ALPINE, busybox)]), DENIED.replace("alpine:3.20", "busybox:1"));
  // What is changed before a list is asked is nothing to that list.
  assert.deepEqual(all([convert(ALPINE, busybox)], [deny(ALPINE)]), { identifier: busybox, attrs: {} });
  assert.equal(all([convert(ALPINE, busybox)], [convert(busybox, ALPINE)]), "too many mutations on a single source: too many operations");
});
