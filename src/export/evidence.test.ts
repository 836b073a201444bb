import assert from "node:assert/strict";
import { test } from "node:test";
import { evidenceForms, withoutPart, type AttestStore, type EvidenceForm } from "./evidence.ts";

const text = (forms: readonly EvidenceForm[]): string => forms.map(({ place, manifest }) => (place === "apart" ? place : `${place}/${manifest}`)).join(" ");
const formsOf = (store: AttestStore, artifact = true): string => text(evidenceForms({ store, artifact }));

test("each store has a form that is wanted, and forms that stand in for it", () => {
  assert.equal(formsOf({ kind: "index" }), "index/artifact index/image");
  assert.equal(formsOf({ kind: "referrers", otherwise: "index" }), "referrers/artifact referrers/image index/artifact index/image");
  assert.equal(formsOf({ kind: "both", otherwise: "index" }), "both/artifact both/image index/artifact index/image");
  assert.equal(formsOf({ kind: "referrers", otherwise: "none" }), "referrers/artifact referrers/image apart");
  assert.equal(formsOf({ kind: "referrers", otherwise: "fail" }), "referrers/artifact referrers/image");
  assert.equal(formsOf({ kind: "file", directory: "/x" }), "apart");
  assert.equal(formsOf({ kind: "none" }), "apart");
});

test("where OCI artifacts are not wanted, none stands in either", () => {
  assert.equal(formsOf({ kind: "index" }, false), "index/image");
  assert.equal(formsOf({ kind: "referrers", otherwise: "index" }, false), "referrers/image index/image");
});

test("what a registry refuses rules out every form that has it", () => {
  const forms = evidenceForms({ store: { kind: "referrers", otherwise: "index" }, artifact: true });
  assert.equal(text(withoutPart(forms, "artifact")), "referrers/image index/image");
  assert.equal(text(withoutPart(forms, "referrers")), "index/artifact index/image");
  assert.equal(text(withoutPart(withoutPart(forms, "artifact"), "referrers")), "index/image");
});
