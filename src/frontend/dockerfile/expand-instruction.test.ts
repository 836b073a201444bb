import assert from "node:assert/strict";
import { test } from "node:test";
import { expandContents, expandInstruction } from "./expand-instruction.ts";
import type { Instruction } from "./instruction.ts";
import { parseTrigger } from "./stages.ts";

function expanded(text: string): Instruction {
  return expandInstruction(parseTrigger(text, []), (word) => word.replaceAll("$X", "x"));
}

test("paths, owners and checksums expand; stages and exclusions do not", () => {
  const add = expanded("ADD --chown=$X --chmod=$X --checksum=$X --exclude=$X $X/a $X/b");
  assert.ok(add.kind === "add");
  assert.deepEqual([add.chown, add.chmod, add.checksum, add.exclude, add.sources, add.dest], ["x", "x", "x", ["$X"], ["x/a"], "x/b"]);
  const copy = expanded("COPY --from=$X --chown=$X a $X");
  assert.ok(copy.kind === "copy");
  assert.deepEqual([copy.from, copy.chown, copy.dest], ["$X", "x", "x"]);
});

test("mounts get their types only when their variables are known", () => {
  const run = expanded("RUN --mount=type=cache,target=/$X,id=$X $X");
  assert.ok(run.kind === "run");
  assert.deepEqual([run.mounts[0]?.type, run.mounts[0]?.target, run.mounts[0]?.id, run.mounts[0]?.readOnly], ["cache", "/x", "x", false]);
  assert.deepEqual(run.cmdLine, ["$X"]);
});

test("keys, values and plain words expand; ports, commands and triggers do not", () => {
  const texts: ReadonlyArray<readonly [text: string, shown: string]> = [
    ["ENV $X=$X", '"env":[{"key":"x","value":"x","noDelim":false}]'],
    ["LABEL $X $X", '"labels":[{"key":"x","value":"x","noDelim":true}]'],
    ["ARG $X=$X $X", '"args":[{"key":"x","value":"x","docComment":""},{"key":"x","docComment":""}]'],
    ["USER $X", '"user":"x"'],
    ["WORKDIR $X", '"path":"x"'],
    ["VOLUME $X", '"volumes":["x"]'],
    ["STOPSIGNAL $X", '"signal":"x"'],
    ["EXPOSE $X", '"ports":["$X"]'],
    ["CMD $X", '"cmdLine":["$X"]'],
    ["ONBUILD USER $X", '"expression":"USER $X"'],
  ];
  for (const [text, shown] of texts) assert.ok(JSON.stringify(expanded(text)).includes(shown), text);
});

test("heredocs expand unless their delimiter is quoted", () => {
  const copy = parseTrigger("COPY <<A <<'B' /\n$X\nA\n$X\nB\n", []);
  assert.ok(copy.kind === "copy");
  assert.deepEqual(expandContents(copy.contents, () => "x").map((content) => content.data), ["x", "$X\n"]);
});
