import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { digestOf } from "../content/digest.ts";
import type { BuildEvent } from "../progress/event.ts";
import type { Session } from "../session/session.ts";
import { BuildError } from "./build-error.ts";
import { logScrubber, type LogScrubber } from "./log-scrubber.ts";

const SECRET = "Mum-5e6f7a8b";
const PLAN = { buildArgs: new Map([["NPM_TOKEN", SECRET], ["VERSION", "1.2.3"]]), labels: new Map(), context: { kind: "remote", url: "https://me:Hush-1a2b3c4d@host.example/r.git" }, namedContexts: [], secretsInEvidence: "redact" } as const;
const log = logScrubber(PLAN);
const [step, at] = [digestOf(Buffer.from("step")), new Date(0)];

/** What comes of these events. */
function seenOf(events: readonly BuildEvent[], scrubber: LogScrubber = log): BuildEvent[] {
  const seen: BuildEvent[] = [];
  const report = scrubber.report((event) => void seen.push(event));
  for (const event of events) report(event);
  return seen;
}

function outputOf(events: readonly BuildEvent[]): string {
  return Buffer.concat(events.flatMap((event) => (event.kind === "step-output" ? [event.bytes] : []))).toString("utf8");
}

const printed = (text: string, stream: "stdout" | "stderr" = "stdout"): BuildEvent => ({ kind: "step-output", step, stream, bytes: Buffer.from(text), at });

test("the value of an argument that is called like a secret is in no name and no message", () => {
  const seen = seenOf([
    { kind: "step-started", step, name: `[2/2] RUN login ${SECRET} for 1.2.3`, at },
    { kind: "step-failed", step, message: `process "login ${SECRET}"`, at },
    { kind: "step-progress", step, id: `reading ${SECRET}`, doneBytes: 0, totalBytes: undefined, finished: true, at },
    { kind: "warning", rule: "X", message: SECRET, url: "", detail: SECRET, location: { filename: "Dockerfile", text: `ARG A_KEY=abc\n# ${SECRET}\n`, startLine: 1, endLine: 1 } },
  ]);
  assert.doesNotMatch(JSON.stringify(seen), /A_KEY=abc/);
  assert.ok(!JSON.stringify(seen).includes(SECRET));
  assert.match(JSON.stringify(seen), /for 1\.2\.3/);
});

test("credentials in a URL are in neither, nor those of the context anywhere else", () => {
  const seen = seenOf([{ kind: "notice", message: "ADD https://user:hunter2@host.example/x / with Hush-1a2b3c4d" }]);
  assert.deepEqual(seen, [{ kind: "notice", message: "ADD https://xxxxx:xxxxx@host.example/x / with xxxxx" }]);
});

test("what a step prints is told without secrets, whatever pieces it comes in, and its end before the step's", () => {
  const seen = seenOf([printed("one\ntwo "), printed(SECRET.slice(0, 5)), printed("err\n", "stderr"), printed(`${SECRET.slice(5)}\nTOKEN=abc`), { kind: "step-finished", step, at }]);
  assert.equal(outputOf(seen), "one\nerr\ntwo xxxxx\nTOKEN=xxxxx");
  assert.equal(seen.at(-1)?.kind, "step-finished");
});

const session: Session = { id: "x", directory: () => undefined, agent: async () => undefined, secret: async () => Buffer.from("lent-value-1\nsecond-line-2\n") };
const signal = new AbortController().signal;

test("a secret that a step was lent is masked from then on, line by line", async () => {
  const scrubber = logScrubber(PLAN);
  await scrubber.learning(session).secret("id", signal);
  assert.equal(outputOf(seenOf([printed("lent-value-1 and second-line-2\n")], scrubber)), "xxxxx and xxxxx\n");
});

test("with secrets allowed, all is told but what a step was lent", async () => {
  const scrubber = logScrubber({ ...PLAN, secretsInEvidence: "allow" });
  await scrubber.learning(session).secret("id", signal);
  scrubber.learnDockerfile(`ENV A_TOKEN=${SECRET}\n`);
  assert.equal(outputOf(seenOf([printed(`${SECRET} lent-value-1\n`)], scrubber)), `${SECRET} xxxxx\n`);
});

test("an error that names its cause loses the value in both, and stays what it is", () => {
  const cause = Object.assign(new TypeError(`bad ${SECRET}`), { code: "X" });
  const failure = log.failure(new BuildError("failed", { code: "usage", retryable: false, excerpt: { filename: "Dockerfile", text: `ARG A_TOKEN=${SECRET}`, startLine: 1, endLine: 1 }, report: "", exitCode: undefined }, { cause }));
  assert.ok(failure instanceof BuildError && failure.cause instanceof TypeError);
  assert.ok(!inspect(failure).includes(SECRET), inspect(failure));
  assert.equal((failure.cause as TypeError & { code: string }).code, "X");
  assert.match(failure.cause.stack ?? "", /^TypeError: bad xxxxx\n +at /);
  assert.ok(cause.message.includes(SECRET), "the error itself is somebody else's");
});

test("a failure keeps its code and loses the value", () => {
  const failure = log.failure(new BuildError(`failed: ${SECRET}`, { code: "step-failed", retryable: false, excerpt: undefined, report: `> RUN ${SECRET}\n`, exitCode: 3 }, {}));
  assert.ok(failure instanceof BuildError);
  assert.deepEqual([failure.code, failure.exitCode, failure.message.includes(SECRET), failure.report.includes(SECRET)], ["step-failed", 3, false, false]);
});
