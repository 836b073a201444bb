import assert from "node:assert/strict";
import { test } from "node:test";
import { readOrigins } from "./history-origins.ts";

const DOCKERFILE = [
  "ARG GLOBAL", "FROM alpine AS a", "ARG WHAT", "RUN make \\", "  all", "FROM scratch AS other", "COPY x /", "FROM A", "ONBUILD RUN true", "env B=$WHAT", "WORKDIR /d", "LABEL c=d", "",
].join("\n");
const own = (created_by: string): object => ({ created_by, comment: "buildkit.dockerfile.v0" });
const BASE = [{ created_by: "/bin/sh -c #(nop) ADD file in /" }, own("RUN of the base")];
const HISTORY = [...BASE, own("ARG WHAT=x y"), own("RUN |1 WHAT=x y /bin/sh -c make all # buildkit"), own("ENV B=x y"), own("WORKDIR /d"), own("LABEL c=d")];

const originsOf = (history: readonly object[], dockerfile: string | undefined, target = ""): ReturnType<typeof readOrigins> =>
  readOrigins({ config: Buffer.from(JSON.stringify({ history })), source: dockerfile === undefined ? undefined : Buffer.from(dockerfile), target });
const linesOf = (...given: Parameters<typeof originsOf>): ReadonlyArray<number | undefined> => originsOf(...given).map((origin) => origin?.location[0]?.start.line);

test("each entry of a stage and of those that it stands on has the lines of its instruction", () => {
  assert.deepEqual(linesOf(HISTORY, DOCKERFILE), [undefined, undefined, 3, 4, 10, 11, 12]);
  assert.deepEqual(originsOf(HISTORY, DOCKERFILE).map((origin) => origin?.withoutArgs), [undefined, "RUN of the base", "ARG WHAT", "RUN /bin/sh -c make all # buildkit", "ENV B=$WHAT", "WORKDIR /d", "LABEL c=d"]);
  assert.deepEqual(linesOf(HISTORY.slice(0, 4), DOCKERFILE, "A"), [undefined, undefined, 3, 4]);
  assert.deepEqual(linesOf([own("COPY x / # buildkit")], DOCKERFILE, "1"), [7]);
});

test("where the file and the history do not agree, or there is no Dockerfile, none has lines", () => {
  const none = HISTORY.map(() => undefined);
  assert.deepEqual(linesOf(HISTORY, DOCKERFILE.replace("LABEL c=d", "USER c")), none);
  assert.deepEqual(linesOf(HISTORY, DOCKERFILE, "nobody"), none);
  assert.deepEqual(linesOf(HISTORY, '{"another": "language"}'), none);
  assert.deepEqual(linesOf(HISTORY, undefined), none);
  assert.deepEqual(linesOf(HISTORY.slice(3), DOCKERFILE), none.slice(3));
  assert.equal(originsOf(HISTORY, undefined)[3]?.withoutArgs, "RUN /bin/sh -c make all # buildkit", "the words are read all the same");
});
