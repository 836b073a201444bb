import type { SeededRandom } from "./seeded-random.ts";

const WORDS = [
  "a", "b:1", "scratch", "alpine", "/x", ".", "--from=b", "--chmod=755", "--mount=type=cache,target=/c", "--link", "--platform=$BUILDPLATFORM", "AS", "as", "k=v", "k", "$A", "${A:-b}", "${A:+${B}}",
  "${A#*x}", "${A/a/b}", "'q w'", '"d $A"', '["a", "b"]', '[1]', "\\", "\\\\", "`", "<<EOF", "<<-'END'", "#", "é", "\u0000", "80/tcp", "CMD", "NONE", "https://host/f", "git@host:a/b.git#c", "=", "''", "{", "}", "\t",
] as const;
const NAMES = [
  "FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "LABEL", "CMD", "ENTRYPOINT", "EXPOSE", "USER", "WORKDIR", "VOLUME", "SHELL", "STOPSIGNAL", "HEALTHCHECK", "ONBUILD", "MAINTAINER", "from", "Run", "ONBUILD RUN", "NOPE",
] as const;
const LINES = ["# comment", "# escape=`", "# check=skip=all", "# syntax=x", "", "  ", "EOF", "END", "\ttabbed", "\ufeff"] as const;

/** Something like a Dockerfile: of its words, mostly in an order that means something. */
export function randomDockerfile(random: SeededRandom): string {
  const head = random.below(4) === 0 ? "" : "FROM alpine AS b\n";
  return head + random.several(1, 12, () => randomLine(random)).join("");
}

function randomLine(random: SeededRandom): string {
  if (random.below(4) === 0) return `${random.pick(LINES)}\n`;
  const words = random.several(0, 5, () => random.pick(WORDS)).join(random.pick([" ", "  ", " \\\n  ", " \\\n\n# c\n "]));
  const body = words.includes("<<") && random.below(3) > 0 ? `\n${random.pick(["", "text $A\n", "\ttext\n"])}${random.pick(["EOF", "END", "\tEND"])}` : "";
  return `${random.pick(NAMES)} ${words}${body}${random.pick(["\n", "\n", "\r\n", ""])}`;
}

/** A text of the characters that a shell reads in a special way. */
export function randomWord(random: SeededRandom): string {
  return random.several(0, 30, () => random.pick(["$", "{", "}", "A", "B1", ":", "-", "+", "?", "#", "%", "/", "*", "'", '"', "\\", " ", "\n", "é", "${A", "${A:-", "${A##*", "<<"])).join("");
}

/** Bytes with changes that an accident makes: some replaced, dropped or repeated. */
export function damaged(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = [...bytes];
  for (let count = 1 + random.below(8); count > 0; count--) {
    const at = random.below(changed.length + 1);
    changed.splice(at, random.below(3), ...random.several(0, 3, () => random.below(256)));
  }
  return Uint8Array.from(changed);
}
