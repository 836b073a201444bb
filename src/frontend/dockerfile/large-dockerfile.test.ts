import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { LINUX_REQUEST, gatewayOf } from "./one-dockerfile.contract.ts";
import { buildDockerfile } from "./build.ts";

const LARGE_BYTES = 10 * 1024 * 1024;
/** Of a processor: how many others want it is nothing of ours. */
const LARGE_MS_MAX = 20_000;
const LARGE_RSS_BYTES_MAX = 1024 ** 3;

/** What 10 MB can be full of: a line to begin with, lines that repeat, and a line that ends it. */
const LARGE: Readonly<Record<string, readonly [string, string, string]>> = {
  comments: ["FROM a\n", "# comment\n", ""],
  "empty lines": ["FROM a\n", "\n", ""],
  "long instructions": ["FROM a\n", `RUN echo ${"word ".repeat(20)}\n`, ""],
  continuations: ["FROM a\nRUN a \\\n", "a\\\n", "b\n"],
  "empty continuations": ["FROM a\nRUN a \\\n", "\\\n\n", "b\n"],
  "variables of one instruction": ["FROM a\nENV a=b \\\n", "k=v \\\n", "z=y\n"],
  "one heredoc": ["FROM a\nRUN <<E\n", "line\n", "E\n"],
  "heredocs of few lines": ["FROM a\n", `RUN ${"<<E ".repeat(1000)}\n${"E\n".repeat(1000)}`, ""],
};

/** Parses in a process of its own, so that the peak of its memory is its own. */
function parseApart(text: string): { readonly error: string | undefined; readonly line: number | undefined; readonly ms: number; readonly rssBytes: number } {
  const program = `
    import { readFileSync } from "node:fs";
    import { parseDockerfile } from ${JSON.stringify(import.meta.resolve("./stages.ts"))};
    const bytes = readFileSync(0);
    const before = process.cpuUsage();
    let error, line;
    try { parseDockerfile(bytes); } catch (thrown) { error = thrown.message; line = thrown.locations[0][0].start.line; }
    const { user, system } = process.cpuUsage(before);
    process.stdout.write(JSON.stringify({ error, line, ms: (user + system) / 1000, rssBytes: process.resourceUsage().maxRSS * 1024 }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { input: text, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as ReturnType<typeof parseApart>;
}

describe("10 MB are parsed within 20 seconds and 1 GiB", () => {
  for (const [what, [first, repeated, last]] of Object.entries(LARGE)) {
    test(what, () => {
      const { error, ms, rssBytes } = parseApart(`${first}${repeated.repeat(Math.ceil(LARGE_BYTES / repeated.length))}${last}`);
      assert.equal(error, undefined);
      assert.ok(ms < LARGE_MS_MAX, `${ms} ms`);
      assert.ok(rssBytes < LARGE_RSS_BYTES_MAX, `${rssBytes} bytes`);
    });
  }
});

describe("10 MB are refused, within the same bounds,", () => {
  const refused = (text: string, message: string, line: number): void => {
    const { error, line: found, ms, rssBytes } = parseApart(text);
    assert.deepEqual([error, found], [message, line]);
    assert.ok(ms < LARGE_MS_MAX && rssBytes < LARGE_RSS_BYTES_MAX, `${ms} ms, ${rssBytes} bytes`);
  };

  test("where they are one line", () => {
    refused(`FROM a\n${"x".repeat(LARGE_BYTES)}`, "dockerfile line greater than max allowed size of 65535", 1);
  });

  for (const line of ["FROM a", "RUN a", "ENV A=$A", "ARG A", "LABEL a=b", "COPY a b", "RUN <<E\nx\nE"]) {
    test(`where they have more than 100,000 instructions: ${JSON.stringify(line)}`, () => {
      const firstTooMany = 2 + 99_999 * line.split("\n").length;
      const text = `FROM a\n${`${line}\n`.repeat(Math.ceil(LARGE_BYTES / (line.length + 1)))}`;
      refused(text, "dockerfile has more than 100000 instructions: split it into several", firstTooMany);
    });
  }
});

test("an image of as many instructions as a Dockerfile may have is converted within these bounds too", async () => {
  const before = process.cpuUsage();
  const lines = ["ENV A=b", "LABEL a=b", "RUN a", "COPY a b"];
  const text = `FROM a\n${lines.map((line) => `${line}\n`).join("").repeat(24_999)}`;
  const { results } = await buildDockerfile(gatewayOf(Buffer.from(text)), LINUX_REQUEST, new AbortController().signal);
  assert.equal(results.length, 1);
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < LARGE_MS_MAX, `${(user + system) / 1000} ms`);
});
