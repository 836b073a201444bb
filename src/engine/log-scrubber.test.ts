import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import { BuildError } from "./build-error.ts";
import { logScrubber } from "./log-scrubber.ts";

const SECRET = "Mum-5e6f7a8b";
const log = logScrubber(new Map([["NPM_TOKEN", SECRET], ["VERSION", "1.2.3"]]));

test("the value of an argument that is called like a secret is in no name and no message", () => {
  const seen: BuildEvent[] = [];
  const report = log.report((event) => void seen.push(event));
  const step = digestOf(Buffer.from("step"));
  const at = new Date(0);
  report({ kind: "step-started", step, name: `[2/2] RUN login ${SECRET} for 1.2.3`, at });
  report({ kind: "step-failed", step, message: `process "login ${SECRET}"`, at });
  assert.ok(!JSON.stringify(seen).includes(SECRET));
  assert.match(JSON.stringify(seen), /for 1\.2\.3/);
});

test("credentials in a URL are in neither", () => {
  const [event] = ((seen: BuildEvent[]): BuildEvent[] => {
    log.report((one) => void seen.push(one))({ kind: "notice", message: "ADD https://user:hunter2@host.example/x /" });
    return seen;
  })([]);
  assert.doesNotMatch(JSON.stringify(event), /hunter2/);
});

test("a failure keeps its code and loses the value", () => {
  const failure = log.failure(new BuildError(`failed: ${SECRET}`, { code: "step-failed", retryable: false, excerpt: undefined, report: `> RUN ${SECRET}\n`, exitCode: 3 }, {}));
  assert.ok(failure instanceof BuildError);
  assert.deepEqual([failure.code, failure.exitCode, failure.message.includes(SECRET), failure.report.includes(SECRET)], ["step-failed", 3, false, false]);
});
