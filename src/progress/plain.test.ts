import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "./event.ts";
import { bytesText } from "./part-bytes.ts";
import { PlainText } from "./plain.ts";

const a = digestOf(Buffer.from("a"));
const b = digestOf(Buffer.from("b"));
const at = (ms: number): Date => new Date(1_700_000_000_000 + ms);

/** Each is written before the next is told. */
function render(...events: readonly BuildEvent[]): string {
  let written = "";
  let now = at(0);
  const text = new PlainText({ write: (part) => void (written += part) });
  for (const event of events) {
    now = "at" in event ? event.at : now;
    text.take(event, now);
    text.print(now);
  }
  text.finish(now);
  return written;
}

test("names a step again when the output comes back to it, and keeps broken lines whole", () => {
  assert.equal(
    render(
      { kind: "step-started", step: a, name: "[1/2] RUN a", at: at(0) },
      { kind: "step-output", step: a, stream: "stdout", bytes: Buffer.from("one\ntw"), at: at(120) },
      { kind: "step-cached", step: b, name: "[2/2] RUN b", at: at(130) },
      { kind: "step-output", step: a, stream: "stdout", bytes: Buffer.from("o\nthree"), at: at(1500) },
      { kind: "step-finished", step: a, at: at(2345) },
    ),
    "#1 [1/2] RUN a\n#1 0.120 one\n#1 0.120 tw\n#1 ...\n\n#2 [2/2] RUN b\n#2 CACHED\n\n#1 [1/2] RUN a\n#1 0.120 two\n#1 1.500 three\n#1 DONE 2.3s\n",
  );
});

test("how long a step took is rounded, as by BuildKit", () => {
  assert.equal(render({ kind: "step-started", step: a, name: "RUN x", at: at(0) }, { kind: "step-finished", step: a, at: at(1270) }), "#1 RUN x\n#1 DONE 1.3s\n");
});

test("a failed step ends with its message", () => {
  assert.equal(render({ kind: "step-started", step: a, name: "RUN x", at: at(0) }, { kind: "step-failed", step: a, message: "exit code: 7", at: at(1) }), "#1 RUN x\n#1 ERROR: exit code: 7\n");
  assert.equal(render({ kind: "step-started", step: a, name: "RUN x", at: at(0) }, { kind: "step-failed", step: a, message: "context canceled", at: at(1) }), "#1 RUN x\n#1 CANCELED\n", "of what was only stopped");
});

test("a part of a step is told when it begins and when it has ended, with what passed and how long it took where that is something, and now and then between", () => {
  const part = (id: string, finished: boolean, ms: number, [doneBytes = 0, totalBytes]: readonly number[] = []): BuildEvent => ({ kind: "step-progress", step: a, id, doneBytes, totalBytes, finished, at: at(ms) });
  assert.equal(
    render({ kind: "step-started", step: a, name: "exporting", at: at(0) }, part("layers", false, 0), part("layers", true, 1240), part("config", true, 1250), part("copying", false, 1250), part("copying", true, 1260, [1500]), part("blob", true, 1260, [7, 7]), part("sha256:1", false, 2000, [0, 2500]), part("sha256:1", false, 6999, [1000, 2500]), part("sha256:1", false, 7000, [1100, 2500]), part("sha256:1", false, 11_999, [1100, 2500]), part("sha256:1", true, 12_500, [2500, 2500])),
    "#1 exporting\n#1 layers\n#1 layers 1.2s done\n#1 config done\n#1 copying\n#1 copying 1.50kB done\n#1 blob 7B / 7B done\n#1 sha256:1 0B / 2.50kB\n#1 sha256:1 1.00kB / 2.50kB 5.0s\n#1 sha256:1 1.10kB / 2.50kB 10.0s\n#1 sha256:1 2.50kB / 2.50kB 10.5s done\n",
  );
});

test("a step that is looked at again, and tells nothing, ends once", () => {
  const [started, finished] = [{ kind: "step-started", step: a, name: "load", at: at(0) }, { kind: "step-finished", step: a, at: at(1) }] as const;
  const again = { ...started, at: at(1) };
  assert.equal(render(started, finished, again, finished), "#1 load\n#1 DONE 0.0s\n");
  assert.equal(render(started, finished, again, { kind: "step-output", step: a, stream: "stdout", bytes: Buffer.from("x\n"), at: at(2) }, finished), "#1 load\n#1 DONE 0.0s\n\n#1 load\n#1 0.002 x\n#1 DONE 0.0s\n");
});

test("a warning stands under the step that read the file, and for itself where nobody knows that", () => {
  const warning = { kind: "warning", rule: "StageNameCasing", message: "lower it", url: "", detail: "", location: { filename: "Dockerfile", text: "FROM a\n", startLine: 1, endLine: 1 } } as const;
  assert.equal(
    render({ kind: "step-started", step: a, name: "load", at: at(0) }, { kind: "step-finished", step: a, at: at(1) }, { ...warning, step: a }, { kind: "step-cached", step: b, name: "RUN b", at: at(2) }, warning, { ...warning, step: a }),
    "#1 load\n#1 DONE 0.0s\n\n#1 load\n#1 WARN: StageNameCasing: lower it (line 1)\n\n#2 RUN b\n#2 CACHED\nWARNING: StageNameCasing: lower it (line 1)\n\n#1 load\n#1 WARN: StageNameCasing: lower it (line 1)\n",
  );
});

test("the end of a step is held back for a part of it that goes on, but not the end of one that failed", () => {
  const [started, part] = [{ kind: "step-started", step: a, name: "load", at: at(0) }, { kind: "step-progress", step: a, id: "p", doneBytes: 1, totalBytes: undefined, finished: false, at: at(0) }] as const;
  const text = (...events: readonly BuildEvent[]): string => {
    let written = "";
    const plain = new PlainText({ write: (lines) => void (written += lines) });
    for (const event of events) plain.take(event, at(0));
    plain.print(at(0));
    written += "|";
    plain.finish(at(0));
    return written;
  };
  assert.equal(text(started, part, { kind: "step-finished", step: a, at: at(1000) }), "#1 load\n#1 p 1B\n|#1 DONE 1.0s\n");
  assert.equal(text(started, part, { kind: "step-failed", step: a, message: "no", at: at(1000) }), "#1 load\n#1 p 1B\n#1 ERROR: no\n|");
});

test("sizes are in decimal units", () => {
  assert.deepEqual([6, 1000, 48708930].map(bytesText), ["6B", "1.00kB", "48.71MB"]);
});

test("a step that goes on after its end has a new end, and its pause does not count", () => {
  assert.equal(
    render(
      { kind: "step-started", step: a, name: "[1/2] FROM base", at: at(0) },
      { kind: "step-finished", step: a, at: at(100) },
      { kind: "step-started", step: a, name: "[1/2] FROM base", at: at(5000) },
      { kind: "step-progress", step: a, id: "sha256:1", doneBytes: 0, totalBytes: 10, finished: false, at: at(5000) },
      { kind: "step-progress", step: a, id: "sha256:1", doneBytes: 10, totalBytes: 10, finished: true, at: at(6000) },
      { kind: "step-finished", step: a, at: at(6000) },
    ),
    "#1 [1/2] FROM base\n#1 DONE 0.1s\n\n#1 [1/2] FROM base\n#1 sha256:1 0B / 10B\n#1 sha256:1 10B / 10B 1.0s done\n#1 DONE 1.1s\n",
  );
  assert.equal(
    render({ kind: "step-started", step: a, name: "FROM base", at: at(0) }, { kind: "step-finished", step: a, at: at(100) }, { kind: "step-started", step: a, name: "FROM base", at: at(5000) }, { kind: "step-failed", step: a, message: "no such blob", at: at(5100) }),
    "#1 FROM base\n#1 DONE 0.1s\n\n#1 FROM base\n#1 ERROR: no such blob\n",
  );
});
