import assert from "node:assert/strict";
import { test } from "node:test";
import { shellCommands } from "./shell-commands.ts";

function words(text: string): readonly (readonly string[])[] {
  return shellCommands(text).map((command) => command.words.map(({ text: word, literal }) => (literal ? word : `<${word}>`)));
}

test("commands are told apart, without assignments, reserved words, redirections and comments", () => {
  assert.deepEqual(words("A=1 B='x y' make all >out 2>&1 && ! test -f x || (cd y; ls) | wc -l & # no more\ntrue"), [
    ["make", "all"], ["test", "-f", "x"], ["cd", "y"], ["ls"], ["wc", "-l"], ["true"],
  ]);
  assert.deepEqual(words("if a; then b; else c; fi; while d; do e; done; { f; }"), [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]);
});

test("quotes and escapes are taken off, and what a variable says is not known", () => {
  assert.deepEqual(words(String.raw`echo "a b"'c'\ d "$X" pre${"$"}{Y:-z}post $((1+2))`), [["echo", "a bc d", "<$X>", "<pre${Y:-z}post>", "<$((1+2))>"]]);
});

test("commands within substitutions are found", () => {
  assert.deepEqual(words('X="$(curl -s `host`)" run $(a | b) <(c)').map(([first]) => first), ["host", "curl", "a", "b", "c", "run"]);
});

test("the body of a heredoc is no command", () => {
  assert.deepEqual(words("cat <<-'EOF' >x\n\tcurl\n\tEOF\nls"), [["cat"], ["ls"]]);
});

test("text that is no shell's ends, however it is nested", () => {
  for (const text of ["'", '"', "`", "$(", "${", "$((", "<", "<<", "a <(", "\\", "))", "$(".repeat(100_000), "`".repeat(10_001), '"$('.repeat(50_000), "<".repeat(100_000)]) {
    assert.ok(Array.isArray(shellCommands(text)));
  }
});
