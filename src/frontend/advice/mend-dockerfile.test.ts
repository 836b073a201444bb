import assert from "node:assert/strict";
import { test } from "node:test";
import { DockerfileError } from "../dockerfile/dockerfile-error.ts";
import { mendDockerfile, type AdviceOptions } from "./advise-dockerfile.ts";
import { randomDockerfile } from "../../testing/random-dockerfile.ts";
import { SeededRandom } from "../../testing/seeded-random.ts";
import { contextFiles } from "./context-files.ts";

const FILES: Readonly<Record<string, string>> = { "package.json": "{}", "package-lock.json": "{}", "go.mod": "", "go.sum": "", "requirements.txt": "flask==3.0\n" };
const OPTIONS: AdviceOptions = { context: contextFiles((path) => FILES[path], "node_modules\n"), pins: new Map([["alpine", `sha256:${"1".repeat(64)}`]]) };
const LINES = [
  "FROM alpine", "FROM alpine AS alpine", "FROM alpine:3.20 AS x", "FROM x", "COPY . .", "COPY --chown=1 . ./", "COPY . /src", "WORKDIR /src", "RUN npm ci", "RUN go \\\n  mod download",
  "RUN pip install -r requirements.txt", "RUN npm ci && npm test", "RUN <<EOF\nnpm ci\nEOF", "# a comment", "", "  # stemma: skip=all", "# stemma: skip=copy-before-install", "ENV A_TOKEN=b", "RUN curl https://example.org/x",
] as const;

function randomFile(seed: number): string {
  const random = new SeededRandom(seed);
  const lines = random.several(3, 15, () => random.pick(LINES));
  const end = seed % 3 === 0 ? "\r\n" : "\n";
  return `FROM alpine${end}${lines.join("\n").replaceAll("\n", end)}${seed % 2 === 0 ? end : ""}`;
}

test("mending twice is mending once, loses no line, and leaves the bytes of a file without anything to mend", () => {
  let mendedFiles = 0;
  for (let seed = 1; seed <= 1500; seed++) {
    const text = randomFile(seed);
    const once = mendDockerfile(Buffer.from(text), OPTIONS);
    const twice = mendDockerfile(once.bytes, OPTIONS);
    assert.deepEqual([twice.bytes, twice.mended, twice.findings], [once.bytes, [], once.findings], text);
    const after = Buffer.from(once.bytes).toString();
    if (once.mended.length === 0) assert.equal(after, text);
    else mendedFiles++;
    // A pin adds to its line, a moved COPY comes back as it was: take away what was added, and the lines are the same.
    const kept = after.split(/\r?\n/).map((line) => line.replace(/@sha256:1+/, "")).filter((line) => !line.includes("--parents"));
    assert.deepEqual(kept.toSorted(), text.split(/\r?\n/).toSorted(), text);
    assert.equal(after.endsWith("\n"), text.endsWith("\n"), text);
    assert.equal(after.includes("\r\n"), text.includes("\r\n"), text);
  }
  assert.ok(mendedFiles > 500, `${mendedFiles} files were mended`);
});

test("any text is either refused or mended to one that stays as it is", () => {
  let parsed = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const bytes = Buffer.from(randomDockerfile(new SeededRandom(seed)));
    try {
      const once = mendDockerfile(bytes, OPTIONS);
      assert.deepEqual(mendDockerfile(once.bytes, OPTIONS), { ...once, mended: [] });
      parsed++;
    } catch (error) {
      if (!(error instanceof DockerfileError)) throw error;
    }
  }
  assert.ok(parsed > 100, `${parsed} parsed`);
});

test("what does not parse is refused, not mended", () => {
  assert.throws(() => mendDockerfile(Buffer.from("FROM alpine\nFOO\n"), OPTIONS), DockerfileError);
});
