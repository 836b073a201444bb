import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBuildRecord } from "./build-record.ts";

const V1 = "https://slsa.dev/provenance/v1";
const V02 = "https://slsa.dev/provenance/v0.2";
const range = (start: number, end = start): object => ({ start: { line: start }, end: { line: end } });

test("joins lines that follow each other, and keeps files apart", () => {
  const locations = { step0: { locations: [{ ranges: [range(7), range(8), range(10)] }, { sourceIndex: 1, ranges: [range(9)] }] } };
  const record = parseBuildRecord(V02, {
    buildConfig: { llbDefinition: [{ id: "step0", op: { Op: { exec: { meta: { args: ["sh", "-c", "a\n b"] } } } } }] },
    metadata: { "https://mobyproject.org/buildkit@v1#metadata": { source: { locations, infos: [{ filename: "Dockerfile" }, { filename: "other" }] } } },
  });
  assert.deepEqual(record.steps[0]?.lines, [{ file: 0, start: 7, end: 8 }, { file: 0, start: 10, end: 10 }, { file: 1, start: 9, end: 9 }]);
  assert.equal(record.steps[0]?.summary, "sh -c a b");
});

test("tells how sure a revision is", () => {
  const commit = "c".repeat(40);
  const vcs = { revision: commit, source: "https://example.com/r.git" };
  const revision = (predicate: object): unknown => parseBuildRecord(V1, { buildDefinition: {}, ...predicate }).revision;
  const claim = { commit, source: vcs.source, basis: "claim", differing: undefined };
  assert.deepEqual(revision({ runDetails: { metadata: { buildkit_metadata: { vcs } } } }), claim);
  assert.deepEqual(revision({ runDetails: { metadata: { buildkit_metadata: { vcs }, stemma_commit: { digest: { sha1: commit }, verified: true } } } }), { ...claim, basis: "verified" });
  assert.deepEqual(revision({ runDetails: { metadata: { buildkit_metadata: { vcs }, stemma_commit: { digest: { sha1: commit }, verified: false, differing: 3 } } } }), { ...claim, differing: 3 });
  const long = "d".repeat(64);
  assert.deepEqual(revision({ runDetails: { metadata: { buildkit_metadata: { vcs: { ...vcs, revision: `${long}-dirty` } }, stemma_commit: { digest: { sha256: long }, verified: false, differing: 1 } } } }), { ...claim, commit: long, differing: 1 });
  const fetched = { buildDefinition: { externalParameters: { configSource: { uri: "https://example.com/r.git#main", digest: { sha1: commit } } } } };
  assert.deepEqual(revision(fetched), { ...claim, source: "https://example.com/r.git#main", basis: "material" });
  assert.equal(revision({}), undefined);
});

test("takes anything for a record, and says what it lacks", () => {
  const empty = parseBuildRecord(V1, {});
  assert.deepEqual([empty.steps, empty.files, empty.chains.size, empty.revision], [[], [], 0, undefined]);
  assert.match(empty.missing.join("\n"), /mode=min[^]*no revision/);
  const odd = parseBuildRecord(V1, {
    buildDefinition: { internalParameters: { buildConfig: { llbDefinition: [null, 1, {}, { id: "step0", inputs: [null, "x"], op: "no" }] } }, resolvedDependencies: [null, { digest: 1 }, { uri: "u", digest: 1 }] },
    runDetails: { metadata: { buildkit_metadata: { layers: { "step0:0": [null, [null, { digest: 1 }]], "x": 3 }, source: { locations: { step0: { locations: [null, { ranges: [null, {}, { start: { line: "1" } }] }] } }, infos: [null] } } } },
  });
  assert.deepEqual(odd.steps.map(({ id, inputs, lines, kind }) => [id, inputs, lines, kind]), [["step0", ["x"], [], "result"]]);
  assert.deepEqual([...odd.chains], [["step0", [["", ""]]], ["x", []]]);
  assert.deepEqual(odd.dependencies, [{ uri: "u", digest: {} }]);
});
