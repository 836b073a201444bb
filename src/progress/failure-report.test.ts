import assert from "node:assert/strict";
import { test } from "node:test";
import { describeExcerpt, describeFailedStep } from "./failure-report.ts";

const text = "FROM busybox\nCOPY app /app\nRUN echo before && \\\n    echo to-stderr >&2 && \\\n    exit 7\n";

test("marks the lines of the step, as BuildKit does", () => {
  assert.equal(describeExcerpt({ filename: "Dockerfile.fail", text, startLine: 3, endLine: 5 }), [
    "Dockerfile.fail:3", "--------------------", "   2 |     COPY app /app", "   3 | >>> RUN echo before && \\",
    "   4 | >>>     echo to-stderr >&2 && \\", "   5 | >>>     exit 7", "   6 |     ", "--------------------", "",
  ].join("\n"));
});

test("shows no line that the text does not have, as of a directive that stands before all lines", () => {
  for (const line of [0, 8]) assert.equal(describeExcerpt({ filename: "Dockerfile", text, startLine: line, endLine: line }), "");
});

test("shows the end of the output before the lines", () => {
  const report = describeFailedStep({ name: "[3/3] RUN x", lastLines: ["0.147 before"], excerpt: undefined });
  assert.equal(report, "------\n > [3/3] RUN x:\n0.147 before\n------\n");
});
