import assert from "node:assert/strict";
import { test } from "node:test";
import type { DiffId } from "../content/digest.ts";
import { parseRfc3339 } from "../content/timestamp.ts";
import type { HistoryEntry } from "../oci/image-config.ts";
import { ExportError } from "./error.ts";
import { completeHistory } from "./history.ts";
import { finishConfig } from "./image-config.ts";

const base = { createdNs: undefined };
const at = (text: string): { createdNs: bigint } => ({ createdNs: parseRfc3339(text) });
const times = (entries: readonly HistoryEntry[]): Array<string | undefined> => entries.map((entry) => entry.created);

test("a layer's entry takes the layer's time, an empty one the time of the layer before", () => {
  const history = [{ created: "2023-01-01T00:00:00Z" }, { created: "2023-01-01T00:00:00Z", empty_layer: true }, { created_by: "LABEL", empty_layer: true }, { created_by: "COPY" }, { created_by: "ENV", empty_layer: true }, { created_by: "RUN" }, { created_by: "CMD", empty_layer: true }];
  assert.deepEqual(times(completeHistory(history, [base, at("2026-01-01T00:00:00.5Z"), at("2026-01-02T00:00:00Z")], undefined)), [
    "2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.5Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00Z",
  ]);
});

test("without a new layer, entries take the time of the last old one", () => {
  const history = [{ created: "2023-01-01T00:00:00Z" }, { created_by: "LABEL", empty_layer: true }];
  assert.deepEqual(times(completeHistory(history, [base], undefined)), ["2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"]);
});

test("SOURCE_DATE_EPOCH sets back our entries, and leaves the base's", () => {
  const history = [{ created: "2025-01-01T00:00:00Z" }, { created_by: "COPY" }];
  assert.deepEqual(times(completeHistory(history, [base, at("2026-01-01T00:00:00Z")], parseRfc3339("2023-11-14T22:13:20Z"))), ["2025-01-01T00:00:00Z", "2023-11-14T22:13:20Z"]);
});

test("a base without history gets entries, so that layers and entries pair up", () => {
  assert.equal(completeHistory([{ created_by: "COPY" }], [base, at("2026-01-01T00:00:00Z")], undefined).length, 2);
});

test("entries for layers that are not there become empty ones", () => {
  assert.deepEqual(completeHistory([{ created_by: "a" }, { created_by: "b" }], [at("2026-01-01T00:00:00Z")], undefined).map(({ created_by, empty_layer }) => [created_by, empty_layer]), [["a", undefined], ["b", true]]);
});

test("a frontend's own time is kept, but for what is later than SOURCE_DATE_EPOCH", () => {
  const config = (created: string): Uint8Array => Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", created, config: {} }));
  const createdOf = (created: string, epoch: string | undefined): unknown => (JSON.parse(Buffer.from(finishConfig(config(created), [], epoch === undefined ? undefined : parseRfc3339(epoch))).toString()) as { created?: string }).created;
  assert.equal(createdOf("2026-01-01T00:00:00Z", undefined), "2026-01-01T00:00:00Z");
  assert.equal(createdOf("2026-01-01T00:00:00Z", "2023-11-14T22:13:20Z"), "2023-11-14T22:13:20Z");
  assert.equal(createdOf("2020-01-01T00:00:00Z", "2023-11-14T22:13:20Z"), "2020-01-01T00:00:00Z");
});

test("an image of nothing has null for what Go never appended to", () => {
  assert.equal(
    Buffer.from(finishConfig(Buffer.from(`{"architecture":"amd64","os":"linux","config":{"WorkingDir":"/"}}`), [], undefined)).toString(),
    `{"architecture":"amd64","config":{"WorkingDir":"/"},"created":null,"history":null,"os":"linux","rootfs":{"type":"layers","diff_ids":null}}`,
  );
});

test("a configuration that is none is refused", () => {
  for (const [text, message] of [["nonsense", /invalid image config for export/], ["null", /invalid null image config/], ['{"architecture":"amd64"}', /missing os/], ['{"os":"linux"}', /missing architecture/], ['{"os":"linux","architecture":"amd64","created":"soon"}', /creation time/]] as const) {
    assert.throws(() => finishConfig(Buffer.from(text), [], 0n), (error) => error instanceof ExportError && message.test(error.message), text);
  }
});

test("writes the configuration with BuildKit's bytes", () => {
  const diffId = "sha256:5875e88d447f639c6ff1022e9fed2b8cd3e4cbc1dab44b8e77106a0fb684d9e5" as DiffId;
  const frontend = `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":null},"history":[{"created_by":"RUN a \\u0026\\u0026 b","comment":"buildkit.dockerfile.v0"}],"config":{"WorkingDir":"/","Env":["A=<b>"]}}`;
  assert.equal(
    Buffer.from(finishConfig(Buffer.from(frontend), [{ diffId, createdNs: parseRfc3339("2026-11-22T11:08:42.78Z") }], undefined)).toString(),
    `{"architecture":"amd64","config":{"WorkingDir":"/","Env":["A=\\u003cb\\u003e"]},"created":"2026-11-22T11:08:42.78Z","history":[{"created":"2026-11-22T11:08:42.78Z","created_by":"RUN a \\u0026\\u0026 b","comment":"buildkit.dockerfile.v0"}],"os":"linux","rootfs":{"type":"layers","diff_ids":["${diffId}"]}}`,
  );
});
