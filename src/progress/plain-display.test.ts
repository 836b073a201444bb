import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { digestOf } from "../content/digest.ts";
import { plainDisplay } from "./plain-display.ts";

const step = (name: string): ReturnType<typeof digestOf> => digestOf(Buffer.from(name));

interface Watched {
  /** The clock goes on by so much, and nothing is told. */
  wait(ms: number): void;
  start(...names: readonly string[]): void;
  say(name: string, text: string): void;
  finish(name: string): void;
  notice(message: string): void;
  end(): void;
  /** What was written since it was asked last. */
  news(): string;
}

/** A display whose clock the test moves. */
function watch(t: TestContext, names: "whole" | "short" = "whole"): Watched {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_700_000_000_000 });
  let written = "";
  const now = (): Date => new Date();
  const display = plainDisplay({ write: (text) => void (written += text), now, names });
  return {
    wait(ms) {
      for (let i = 0; i < ms; i++) t.mock.timers.tick(1);
    },
    start: (...started) => started.forEach((name) => display.show({ kind: "step-started", step: step(name), name: `RUN ${name}`, at: now() })),
    say: (name, text) => display.show({ kind: "step-output", step: step(name), stream: "stdout", bytes: Buffer.from(text), at: now() }),
    finish: (name) => display.show({ kind: "step-finished", step: step(name), at: now() }),
    notice: (message) => display.show({ kind: "notice", message }),
    end: () => display.end(),
    news() {
      const news = written;
      written = "";
      return news;
    },
  };
}

test("what comes after a pause is written at once, and what comes soon after that together", (t) => {
  const display = watch(t);
  display.start("a");
  assert.equal(display.news(), "#1 RUN a\n");
  display.wait(10);
  display.say("a", "one\n");
  display.finish("a");
  assert.equal(display.news(), "");
  display.wait(149);
  assert.equal(display.news(), "");
  display.wait(1);
  assert.equal(display.news(), "#1 0.010 one\n#1 DONE 0.0s\n");
  display.end();
});

test("of steps side by side one is shown, and the others when it has ended, those that ended first in front", (t) => {
  const display = watch(t);
  display.start("a", "b", "c");
  display.wait(200);
  for (const name of ["c", "b", "a"]) display.say(name, `${name}1\n`);
  display.wait(1000);
  display.say("a", "a2\n");
  assert.equal(display.news(), "#1 RUN a\n#1 0.200 a1\n#1 1.200 a2\n");
  display.finish("c");
  display.wait(10);
  display.finish("b");
  display.finish("a");
  display.wait(200);
  assert.equal(display.news(), "#1 DONE 1.2s\n\n#2 RUN c\n#2 0.200 c1\n#2 DONE 1.2s\n\n#3 RUN b\n#3 0.200 b1\n#3 DONE 1.2s\n");
  display.end();
});

test("a step that tells as much as another is left for it after ten seconds, and a line that it had begun is written again", (t) => {
  const display = watch(t);
  display.start("a", "b");
  const saying = (seconds: number): void => {
    for (let i = 0; i < seconds; i++) {
      display.wait(1000);
      display.say("a", `a\nbeg`);
      display.say("b", "b\n");
    }
  };
  saying(9);
  assert.doesNotMatch(display.news(), /#1 \.\.\./);
  saying(1);
  display.wait(200);
  assert.match(display.news(), /\n#1 10\.00 beg\n#1 \.\.\.\n\n#2 RUN b\n(?:#2 \d+\.00\d? b\n){10}$/);
  display.finish("b");
  display.finish("a");
  display.end();
  assert.equal(display.news(), "#2 DONE 10.2s\n\n#1 RUN a\n#1 10.00 beg\n#1 DONE 10.2s\n");
});

test("a step that says one thing while another goes on is shown after ten seconds at most", (t) => {
  const display = watch(t);
  display.start("a", "b");
  for (let i = 0; i < 200; i++) {
    display.wait(60);
    display.say("a", "a\n");
    if (i === 0) display.say("b", "waiting for a lock\n");
  }
  const text = display.news();
  const before = text.slice(0, text.indexOf("#2 RUN b\n#2 0.060 waiting for a lock\n"));
  assert.match(before, /\n#1 (?:9\.9\d\d|10\.\d\d) a\n#1 \.\.\.\n\n$/);
  display.end();
});

test("where nothing is told, a step that goes on is shown", (t) => {
  const display = watch(t);
  display.start("a", "b");
  display.wait(200);
  display.news();
  display.finish("a");
  display.wait(200);
  assert.equal(display.news(), "#1 DONE 0.2s\n\n#2 RUN b\n");
  display.end();
});

test("what is no step's comes behind all that was told before it, on a line of its own", (t) => {
  const display = watch(t);
  display.start("a");
  display.say("a", "begun");
  display.notice("WARNING: a weaker sandbox");
  assert.equal(display.news(), "#1 RUN a\n#1 0.000 begun\nWARNING: a weaker sandbox\n");
  display.say("a", " and ended\n");
  display.finish("a");
  display.end();
  assert.equal(display.news(), "#1 0.000 begun and ended\n#1 DONE 0.0s\n");
});

test("with PROGRESS_NO_TRUNC=0 long names are cut", (t) => {
  const display = watch(t, "short");
  display.start("x".repeat(80));
  assert.equal(display.news(), `#1 RUN ${"x".repeat(68)}...\n`);
  display.end();
});

test("a time has three digits behind the point where it is short, and fewer where it is long", (t) => {
  const display = watch(t);
  display.start("a");
  for (const ms of [1234, 10_000, 100_000]) {
    display.wait(ms);
    display.say("a", "x\n");
  }
  display.end();
  assert.equal(display.news(), "#1 RUN a\n#1 1.234 x\n#1 11.23 x\n#1 111.2 x\n");
});
