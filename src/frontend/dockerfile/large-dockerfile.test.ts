import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, describe, test } from "node:test";
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

interface Parsed {
  readonly error: string | undefined;
  readonly line: number | undefined;
  readonly ms: number;
  readonly rssBytes: number;
}

/** Parses one after the other in a process of their own, so that the peak of its memory is theirs. Each is repeated until it is large. */
function parseApart(texts: ReadonlyArray<readonly [first: string, repeated: string, last: string]>): readonly Parsed[] {
  const program = `
    import { readFileSync } from "node:fs";
    import { parseDockerfile } from ${JSON.stringify(import.meta.resolve("./stages.ts"))};
    const parsed = JSON.parse(readFileSync(0, "utf8")).map(([first, repeated, last]) => {
      const bytes = Buffer.from(first + repeated.repeat(Math.ceil(${LARGE_BYTES} / repeated.length)) + last);
      const before = process.cpuUsage();
      let error, line;
      try { parseDockerfile(bytes); } catch (thrown) { error = thrown.message; line = thrown.locations[0][0].start.line; }
      const { user, system } = process.cpuUsage(before);
      return { error, line, ms: (user + system) / 1000, rssBytes: process.resourceUsage().maxRSS * 1024 };
    });
    process.stdout.write(JSON.stringify(parsed));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { input: JSON.stringify(texts), encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as readonly Parsed[];
}

function assertWithinBounds({ ms, rssBytes }: Parsed): void {
  assert.ok(ms < LARGE_MS_MAX, `${ms} ms`);
  assert.ok(rssBytes < LARGE_RSS_BYTES_MAX, `${rssBytes} bytes`);
}

describe("10 MB are parsed within 20 seconds and 1 GiB", () => {
  for (const [what, text] of Object.entries(LARGE)) {
    test(what, () => {
      const [parsed] = parseApart([text]);
      assert.ok(parsed !== undefined);
      assert.equal(parsed.error, undefined);
      assertWithinBounds(parsed);
    });
  }
});

describe("10 MB are refused, within the same bounds,", () => {
  const lines = ["FROM a", "RUN a", "ENV A=$A", "ARG A", "LABEL a=b", "COPY a b", "RUN <<E\nx\nE"];
  let oneLine: Parsed | undefined;
  let many: readonly Parsed[];
  before(() => void ([oneLine, ...many] = parseApart([["FROM a\n", "x", ""], ...lines.map((line) => ["FROM a\n", `${line}\n`, ""] as const)])));

  const refused = (parsed: Parsed | undefined, message: string, line: number): void => {
    assert.ok(parsed !== undefined);
    assert.deepEqual([parsed.error, parsed.line], [message, line]);
    assertWithinBounds(parsed);
  };

  test("where they are one line", () => refused(oneLine, "dockerfile line greater than max allowed size of 65535", 1));

  for (const [index, line] of lines.entries()) {
    test(`where they have more than 100,000 instructions: ${JSON.stringify(line)}`, () => {
      refused(many[index], "dockerfile has more than 100000 instructions: split it into several", 2 + 99_999 * line.split("\n").length);
    });
  }
});

test("an image of as many instructions as a Dockerfile may have is converted within these bounds too", async () => {
  const used = process.cpuUsage();
  const lines = ["ENV A=b", "LABEL a=b", "RUN a", "COPY a b"];
  const text = `FROM a\n${lines.map((line) => `${line}\n`).join("").repeat(24_999)}`;
  const { results } = await buildDockerfile(gatewayOf(Buffer.from(text)), LINUX_REQUEST, new AbortController().signal);
  assert.equal(results.length, 1);
  const { user, system } = process.cpuUsage(used);
  assert.ok((user + system) / 1000 < LARGE_MS_MAX, `${(user + system) / 1000} ms`);
});
