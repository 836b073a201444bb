import assert from "node:assert/strict";
import { test } from "node:test";
import type { HistoryOrigin } from "../frontend/dockerfile/convert/docker-image.ts";
import { lineRanges } from "../frontend/dockerfile/source-range.ts";
import { OpenScrubber } from "../scrub/open-scrubber.ts";
import { Scrubber } from "../scrub/scrubber.ts";
import { readOrigins } from "./history-origins.ts";
import { scrubHistory } from "./scrub-history.ts";

/** Members in an order that a rewrite would have to keep; a base's entry first. */
const IMAGE = {
  architecture: "amd64",
  history: [
    { created: "2020-01-01T00:00:00Z", created_by: "/bin/sh -c #(nop) ENV BASE_TOKEN=hunter2", empty_layer: true },
    { created_by: "ARG NPM_TOKEN=correct horse", comment: "buildkit.dockerfile.v0", empty_layer: true },
    { created_by: "RUN |2 NPM_TOKEN=correct horse VERSION=1 /bin/sh -c make <x> # buildkit", comment: "buildkit.dockerfile.v0" },
    { created_by: "COPY . / # buildkit", comment: "buildkit.dockerfile.v0" },
  ],
  config: { Env: ["PATH=/bin"] },
};
const CONFIG = Buffer.from(JSON.stringify(IMAGE));
const token = { name: "NPM_TOKEN", value: "correct horse" };
const origin = (line: number, more: Pick<HistoryOrigin, "parts" | "withoutArgs">): HistoryOrigin => ({ ...more, location: lineRanges(line, line) });
const ORIGINS = [
  undefined,
  origin(2, { parts: ["ARG ", token], withoutArgs: "ARG NPM_TOKEN" }),
  origin(3, { parts: ["RUN ", "|2 ", token, " ", { name: "VERSION", value: "1" }, " ", "/bin/sh -c make <x> # buildkit"], withoutArgs: "RUN /bin/sh -c make <x> # buildkit" }),
  origin(4, { parts: ["COPY . / # buildkit"], withoutArgs: "COPY . / # buildkit" }),
];

const saidOf = (config: Uint8Array): readonly string[] => (JSON.parse(Buffer.from(config).toString("utf8")) as typeof IMAGE).history.map(({ created_by }) => created_by);
const masking = (): Scrubber => new Scrubber();

test("a value is masked to its end, blanks and all, and told with its lines; the base's by its place", () => {
  const { config, redactions } = scrubHistory(CONFIG, ORIGINS, { scrubber: masking, args: "keep" });
  assert.deepEqual(saidOf(config), ["/bin/sh -c #(nop) ENV BASE_TOKEN=xxxxx", "ARG NPM_TOKEN=xxxxx", "RUN |2 NPM_TOKEN=xxxxx VERSION=1 /bin/sh -c make <x> # buildkit", "COPY . / # buildkit"]);
  assert.deepEqual(redactions.map(({ place, location }) => [place, location[0]?.start.line]), [["history[0]", undefined], ["history[1]", 2], ["history[2]", 3]]);
  assert.ok(Buffer.from(config).toString("utf8").startsWith('{"architecture":"amd64","history":[{"created":'));
  assert.ok(Buffer.from(config).toString("utf8").includes(String.raw`make \u003cx\u003e #`), "as Go writes it");
});

test("a history with nothing to hide keeps its bytes, and so does any where all is allowed", () => {
  const plain = Buffer.from(JSON.stringify({ history: [{ created_by: "RUN |1 VERSION=1 /bin/sh -c true" }] }));
  assert.equal(scrubHistory(plain, [], { scrubber: masking, args: "keep" }).config, plain);
  assert.equal(scrubHistory(CONFIG, ORIGINS, { scrubber: () => new OpenScrubber(), args: "keep" }).config, CONFIG);
});

test("arguments are dropped from the build's own entries, not from the base's", () => {
  const { config } = scrubHistory(CONFIG, ORIGINS, { scrubber: () => new OpenScrubber(), args: "drop" });
  assert.deepEqual(saidOf(config), [IMAGE.history[0]?.created_by, "ARG NPM_TOKEN", "RUN /bin/sh -c make <x> # buildkit", "COPY . / # buildkit"]);
});

test("what a frontend in a container made is read from its words", () => {
  const image = Buffer.from(JSON.stringify({ history: [{ created_by: "RUN |1 NPM_TOKEN=hunter2 /bin/sh -c make # buildkit", comment: "buildkit.dockerfile.v0" }] }));
  const origins = readOrigins({ config: image, source: undefined, target: "" });
  assert.deepEqual(saidOf(scrubHistory(image, origins, { scrubber: masking, args: "keep" }).config), ["RUN |1 NPM_TOKEN=xxxxx /bin/sh -c make # buildkit"]);
  assert.deepEqual(saidOf(scrubHistory(image, origins, { scrubber: masking, args: "drop" }).config), ["RUN /bin/sh -c make # buildkit"]);
});
