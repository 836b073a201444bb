import assert from "node:assert/strict";
import { test } from "node:test";
import { DockerfileError } from "./dockerfile-error.ts";
import { parseLines, type ParsedLines } from "./parse.ts";

function parse(text: string | Uint8Array): ParsedLines {
  return parseLines(typeof text === "string" ? Buffer.from(text, "utf8") : text);
}

function refusal(text: string): readonly [message: string, lines: readonly number[]] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof DockerfileError) return [error.message, error.locations.flat().map((range) => range.start.line)];
    throw error;
  }
  throw new Error("was accepted");
}

test("a line may be 65535 bytes long, and no longer", () => {
  const longest = `RUN ${"x".repeat(65_531)}`;
  assert.equal(parse(`FROM a\n${longest}\nRUN b\n`).nodes.length, 3);
  assert.deepEqual(refusal(`FROM a\n${longest}x\nRUN b\n`), ["dockerfile line greater than max allowed size of 65535", [1]]);
  assert.deepEqual(refusal(`${longest}x\n`), ["file with no instructions", [0]]);
  assert.equal(parse(`RUN ${"é".repeat(32_765)}x`).nodes.length, 1);
  assert.equal(refusal(`FROM a\nRUN ${"é".repeat(32_766)}`)[0], "dockerfile line greater than max allowed size of 65535");
});

test("a logical line of many physical ones may be longer", () => {
  const part = `${"x".repeat(60_000)}\\\n`;
  assert.equal(parse(`RUN ${part.repeat(5)}y`).nodes[0]?.original.length, 4 + 5 * 60_000 + 1);
});

test("a byte order mark, carriage returns and a last line without an end do not count", () => {
  const { nodes } = parse("\ufeffFROM a\r\nRUN b \\\r\n c\r\nRUN <<X\r\nbody\r\nX");
  assert.deepEqual(nodes.map((node) => node.original), ["FROM a", "RUN b  c", "RUN <<X"]);
  assert.equal(nodes[2]?.heredocs[0]?.content, "body\r\n");
});

test("bytes that are not UTF-8 stay in what is taken as it stands, and are replaced in words", () => {
  const [run, env, json] = parse(Buffer.from("RUN a\xff b\nENV K=a\xff\nCMD [\"\xff\"]\n", "latin1")).nodes;
  assert.deepEqual(run?.args, ["a\udcff b"]);
  assert.deepEqual(env?.args, ["K", "a\ufffd", "="]);
  assert.equal(env?.original, "ENV K=a\udcff");
  assert.deepEqual(json?.args, ["\ufffd"]);
});

test("flags beyond ASCII come out as Latin-1, and what follows them does not", () => {
  const [copy, split] = parse("COPY --chown=é:é é /é\nRUN --mount=à x").nodes;
  assert.deepEqual([copy?.flags, copy?.args], [["--chown=Ã©:Ã©"], ["é", "/é"]]);
  assert.deepEqual([split?.flags, split?.args], [["--mount=Ã"], ["x"]]);
});

test("flags lose quotes and escapes, and `--` ends them", () => {
  const [node] = parse(`RUN --a="x y" --b='"'\\ z -- --c d`).nodes;
  assert.deepEqual([node?.flags, node?.args], [[`--a=x y`, `--b=" z`], ["--c d"]]);
});

test("directives end with the first line that is none, and may not be repeated", () => {
  assert.equal(parse("# escape=`\nFROM a").escape, "`");
  assert.equal(parse("\n# escape=`\nFROM a").escape, "\\");
  assert.equal(parse("# other=x\n# escape=`\nFROM a").escape, "\\");
  assert.deepEqual(refusal("# escape=`\n# ESCAPE=`\nFROM a"), ["only one escape parser directive can be used", [1]]);
  assert.deepEqual(refusal("# syntax=a\n# escape=x\nFROM a"), ["invalid escape token 'x' does not match ` or \\", [1]]);
});

test("comments belong to the instruction below them until a bare sign parts them", () => {
  const [first, second] = parse("# lost\n#\n# kept\n\n  # indented\nFROM a\nRUN b").nodes;
  assert.deepEqual(first?.comments, ["kept", "# indented"]);
  assert.deepEqual(second?.comments, []);
});

test("JSON that Go would not decode is taken as text", () => {
  const texts = [`["a"`, `["a"] x`, `[1e999]`, `['a']`, `${"[".repeat(10_001)}${"]".repeat(10_001)}`];
  for (const text of texts) assert.deepEqual(parse(`CMD ${text}`).nodes.map(({ args, json }) => [args, json]), [[[text], false]], text.slice(0, 20));
  assert.deepEqual(parse(`CMD [ "\\ud800x", "\\u00e9" ]`).nodes[0]?.args, ["\ufffdx", "é"]);
});

test("a fault in an instruction names all its lines", () => {
  assert.deepEqual(refusal("FROM a\n\nENV \\\n  X\n"), ["ENV must have two arguments", [3, 4]]);
  assert.deepEqual(refusal("FROM a\nLABEL a=b c\n"), ['Syntax error - can\'t find = in "c". Must be of the form: name=value', [2]]);
  assert.deepEqual(refusal("FROM a\nRUN <<X\nb\n"), ["unterminated heredoc", [2, 3]]);
});

test("hostile lines cost no more than long ones", () => {
  const blanks = " ".repeat(60_000);
  for (const line of [`# syntax=a${blanks}b`, `RUN a${"\r".repeat(60_000)}b`, `RUN a${blanks}b \\`, `RUN <<${blanks}<`, `RUN a${"<<".repeat(30_000)}`]) {
    assert.ok(parse(`${line}\nFROM a`).nodes.length > 0);
  }
});

test("thousands of nested ONBUILDs are one node in another, and no overflow", () => {
  const onbuilds = `${"ONBUILD ".repeat(5_000)}\\\n`.repeat(4);
  assert.equal(parse(`${onbuilds}RUN x`).nodes.length, 1);
});
