import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isSameRecord } from "./same-record.ts";

const SAMPLES = `${process.env["STEMMA_CONFORMANCE"] ?? "../shared/conformance"}/samples`;
const skip = existsSync(SAMPLES) ? false : `${SAMPLES} is missing`;

/** The predicate of a sample under one and the same subject. */
function record(file: string): Uint8Array {
  const { predicate } = JSON.parse(readFileSync(`${SAMPLES}/${file}`, "utf8")) as { predicate: unknown };
  return Buffer.from(JSON.stringify({ subject: [], predicate }));
}

test("two runs of one build leave the same record, and another build leaves another", { skip }, () => {
  const [first, second] = ["02-prov-max", "03-prov-max-v1"].map((name) => record(`${name}/registry/manifest1-attestation.layer0.slsa.dev_provenance_v1.json`)) as [Uint8Array, Uint8Array];
  assert.notDeepEqual(first, second);
  assert.equal(isSameRecord(first, second), true);
  const withArgument = record("08-prov-args/registry/manifest1-attestation.layer0.slsa.dev_provenance_v1.json");
  assert.equal(isSameRecord(first, withArgument), false);
});

test("a change in anything but the run is a change", () => {
  const statement = (startedOn: string, digest: string): Uint8Array => Buffer.from(JSON.stringify({ subject: [{ digest }], predicate: { runDetails: { metadata: { startedOn } } } }));
  assert.equal(isSameRecord(statement("1", "a"), statement("2", "a")), true);
  assert.equal(isSameRecord(statement("1", "a"), statement("1", "b")), false);
  assert.equal(isSameRecord(Buffer.from("not JSON"), Buffer.from("not JSON")), false);
});
