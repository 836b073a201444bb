import assert from "node:assert/strict";
import { test } from "node:test";
import { lookAlikes } from "../testing/look-alikes.ts";
import { Scrubber } from "./scrubber.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const ROUNDS = 300;

test("what only looks like a secret survives byte for byte", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  for (let seed = SEED; seed < SEED + ROUNDS; seed++) {
    for (const [kind, text] of Object.entries(lookAlikes(seed))) {
      const scrubber = new Scrubber();
      assert.equal(scrubber.text(text, "x"), text, `${kind}, SEED=${seed}`);
      assert.equal(scrubber.dockerfile(text, "Dockerfile"), text, `${kind} in a Dockerfile, SEED=${seed}`);
      assert.deepEqual(scrubber.redactions, []);
    }
  }
});

test("a digest that has a secret's name by chance is none, with what stands behind it", () => {
  const text = '      "integrity": "sha1-yhz9+jt3PwdKWtjFSBvR8jgbGnU=",';
  assert.equal(new Scrubber().text(text, "x"), text);
});

test("nothing is learnt of what only looks like a secret", () => {
  const text = Object.values(lookAlikes(SEED)).join("\n");
  const scrubber = new Scrubber();
  scrubber.learnDockerfile(text);
  assert.equal(scrubber.dockerfile(text, "Dockerfile"), text);
});
