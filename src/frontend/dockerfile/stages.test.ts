import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { testGolden } from "../../testing/golden.ts";
import { DockerfileError } from "./dockerfile-error.ts";
import { lineRanges, type Range } from "./source-range.ts";
import { parseDockerfile, parseTrigger } from "./stages.ts";

testGolden(join(import.meta.dirname, "testdata/parse"), "Dockerfile", render);

test("a trigger becomes an instruction that stands at the FROM line", () => {
  const location = lineRanges(7, 8);
  const trigger = parseTrigger("RUN --network=none make", location);
  assert.equal(trigger.kind, "run");
  assert.deepEqual(trigger.location, location);
});

test("a trigger that is no single instruction of a stage is refused at the FROM line", () => {
  const location = lineRanges(7, 7);
  for (const [expression, message] of [
    ["RUN a\nRUN b", "onbuild trigger should be a single expression"],
    ["FOO x", "unknown instruction: FOO (did you mean FROM?)"],
    ["FROM alpine", "*instructions.Stage is not a command type"],
    ["", "file with no instructions"],
  ] as const) {
    assert.throws(() => parseTrigger(expression, location), (error) => {
      assert.ok(error instanceof DockerfileError);
      assert.deepEqual([error.message, error.locations], [message, [location]]);
      return true;
    });
  }
});

test("whatever the bytes, parsing ends with stages or with a DockerfileError", () => {
  const next = seeded(20_260_115);
  for (let round = 0; round < 3_000; round++) {
    const pieces = Array.from({ length: 1 + (next() % 24) }, () => PIECES[next() % PIECES.length] ?? "");
    const bytes = Buffer.from(pieces.join(""), "latin1");
    try {
      parseDockerfile(bytes, () => {});
    } catch (error) {
      assert.ok(error instanceof DockerfileError, `${bytes.toString("latin1")}: ${String(error)}`);
    }
  }
});

/** What Dockerfiles are made of, and what they should not be. */
const PIECES = [
  "FROM a\n", "RUN ", "COPY ", "ADD ", "ENV ", "ARG ", "ONBUILD ", "HEALTHCHECK ", "CMD ", "SHELL ", "VOLUME ", "EXPOSE ", "LABEL ", "FROM ", "STOPSIGNAL ",
  "--mount=type=cache,", "--from=", "--interval=1", "--", "<<EOF ", "<<-'E'", "\nEOF\n", "\nE\n", "\n", "\\\n", "\\", "`", "'", '"', "[", "]", "#", "# escape=`\n", "$X", "${X:-", "}", "=", " ",
  "\t", "\r\n", "\xff", "\x85", "\xa0", "\0", "a", "AS b", "NONE", "[\"x\"]", "\xef\xbb\xbf",
];

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}

/** One line for each thing parsed, with the lines that it stands on. */
function render(text: string): string {
  const lines: string[] = [];
  try {
    const parsed = parseDockerfile(Buffer.from(text, "utf8"), ({ rule, message, location, comments }) => {
      lines.push(`finding ${rule} at ${span(location)}: ${message}${comments.map((comment) => ` [${comment}]`).join("")}`);
    });
    lines.push(`escape ${parsed.escape}`);
    for (const { name, value, location } of parsed.directives) lines.push(`directive ${name} at ${span(location)}: ${value}`);
    for (const arg of parsed.globalArgs) lines.push(instructionLine(arg));
    for (const { commands, ...from } of parsed.stages) lines.push(instructionLine(from), ...commands.map((command) => `  ${instructionLine(command)}`));
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    lines.push(`${error.code} error at ${error.locations.map(span).join(", ")}: ${error.message}`);
  }
  return `${lines.join("\n")}\n`;
}

function instructionLine({ kind, location, name, original, ...fields }: { readonly kind: string; readonly location: readonly Range[]; readonly name: string; readonly original: string }): string {
  const shown = JSON.stringify(fields, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
  return `${kind} (${name}) at ${span(location)}: ${JSON.stringify(original)} ${shown}`;
}

function span(location: readonly Range[]): string {
  return location.map((range) => range.start.line).join("+");
}
