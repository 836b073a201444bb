import assert from "node:assert/strict";
import { mkdirSync, mkdtempDisposableSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { digestOf, type DiffId } from "../content/digest.ts";
import { LAYER_FACT, layerFacts, type LayerFacts } from "../store/layer-facts.ts";
import { openStateDatabase } from "../store/state-database.ts";
import { forgetRemoved } from "./forget-removed.ts";

const digest = digestOf(Buffer.from("blob"));

function saveAll(facts: LayerFacts, id: string): void {
  facts.saveCreated(id, 1n);
  facts.saveOrigin(id, "{}");
  facts.saveRequests(id, "{}");
  facts.saveStep(id, { name: "[1/1] RUN a", below: [] });
  facts.saveFrontends([id]);
  facts.saveImported(id);
  facts.saveBlob(id, "gzip", { mediaType: "x", digest, sizeBytes: 4, diffId: digest as string as DiffId, annotations: {} });
}

test("nothing is remembered of a layer that is gone, and all of one that is there or may yet come", () => {
  using scratch = mkdtempDisposableSync(join(tmpdir(), "stemma-forget-"));
  using database = openStateDatabase(join(scratch.path, "state.db"));
  const facts = layerFacts(database);
  mkdirSync(join(scratch.path, "layers/layers/there"), { recursive: true });
  const left = ["sha256-image", "there"];
  for (const id of ["gone", ...left]) saveAll(facts, id);
  forgetRemoved({ root: scratch.path, database });
  for (const kind of Object.values(LAYER_FACT)) assert.deepEqual([...database.facts(kind)].map(([name]) => name.split(" ", 1).join()).toSorted((a, b) => (a < b ? -1 : 1)), left, kind);
});
