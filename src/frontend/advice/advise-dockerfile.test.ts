import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { testGolden } from "../../testing/golden.ts";
import { adviceRules } from "./advice-rule.ts";
import { adviseDockerfile, mendDockerfile, type AdviceFinding, type AdviceOptions } from "./advise-dockerfile.ts";
import { contextFiles } from "./context-files.ts";

const TESTDATA: string = join(import.meta.dirname, "testdata");

testGolden(TESTDATA, "case.txt", (text) => {
  const { dockerfile, options } = readCase(text);
  const { bytes, mended, findings } = mendDockerfile(dockerfile, options);
  assert.deepEqual(mendDockerfile(bytes, options), { bytes, mended: [], findings }, "mending twice is mending once");
  if (mended.length === 0) assert.equal(bytes, dockerfile, "what is not mended is the same bytes");
  const shown = [...adviseDockerfile(dockerfile, options).map(show), ...(findings.length === 0 && mended.length === 0 ? ["no findings"] : [])];
  return `${shown.join("\n")}\n${mended.length === 0 ? "" : `-- mended --\n${Buffer.from(bytes).toString()}-- left --\n${findings.map((finding) => `${show(finding)}\n`).join("")}`}`;
});

function show({ rule, message, startLine, endLine, edits }: AdviceFinding): string {
  return `${startLine}-${endLine} ${rule}: ${message}${edits === undefined ? "" : " [fix]"}`;
}

/** Files after lines `-- name --`; `pins` holds digests of images. */
function readCase(text: string): { readonly dockerfile: Buffer; readonly options: AdviceOptions } {
  const parts = text.split(/^-- (\S+) --\n/m).slice(1);
  const files = new Map(parts.flatMap((name, index) => (index % 2 === 0 ? [[name, parts[index + 1] ?? ""] as const] : [])));
  const pins = new Map((files.get("pins") ?? "").split("\n").map((line) => line.split(" ")).map(([name = "", digest = ""]) => [name, digest] as const));
  pins.delete("");
  return { dockerfile: Buffer.from(files.get("Dockerfile") ?? ""), options: { context: contextFiles((path) => files.get(path), files.get(".dockerignore")), pins } };
}

const DIGEST = `sha256:${"1".repeat(64)}`;
const GO = { context: contextFiles((path) => (path === "go.mod" || path === "go.sum" ? "" : undefined), undefined), pins: new Map([["alpine", DIGEST]]) };

test("a mended file keeps its line ends, its bytes that are no text, and its missing last line end", () => {
  const before = Buffer.concat([Buffer.from("\uFEFF# caf"), Buffer.of(0xe9), Buffer.from("\r\nFROM alpine\t\r\nCOPY . .\r\n# \\\r\nRUN go \\\r\n mod download")]);
  const { bytes } = mendDockerfile(before, GO);
  const after = Buffer.concat([
    Buffer.from("\uFEFF# caf"),
    Buffer.of(0xe9),
    Buffer.from(`\r\nFROM alpine@${DIGEST}\t\r\nCOPY --parents go.mod go.sum ./\r\n# \\\r\nRUN go \\\r\n mod download\r\nCOPY . .`),
  ]);
  assert.equal(Buffer.from(bytes).toString("latin1"), after.toString("latin1"));
});

test("a COPY goes behind every installation that it can", () => {
  const { bytes, mended } = mendDockerfile(Buffer.from("FROM golang:1.23\nCOPY . .\nRUN go mod download\nRUN go build\nFROM alpine:3\nCOPY . .\nRUN go mod download\n"), GO);
  assert.equal(mended.length, 2);
  assert.equal(
    Buffer.from(bytes).toString(),
    "FROM golang:1.23\nCOPY --parents go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build\nFROM alpine:3\nCOPY --parents go.mod go.sum ./\nRUN go mod download\nCOPY . .\n",
  );
});

test("each rule can be switched off from outside, and then finds and mends nothing", () => {
  const bytes = Buffer.from("FROM alpine\nENV A_TOKEN=hunter2\nRUN apk add curl && curl https://example.org/x | sh\nCOPY . .\nRUN go mod download\n");
  assert.deepEqual(new Set(adviseDockerfile(bytes, GO).map(({ rule }) => rule)), new Set(adviceRules()));
  for (const rule of adviceRules()) assert.ok(!adviseDockerfile(bytes, { ...GO, skip: new Set([rule]) }).some((finding) => finding.rule === rule), rule);
  const { bytes: after, findings } = mendDockerfile(bytes, { ...GO, skip: new Set(adviceRules()) });
  assert.deepEqual([after, findings], [bytes, []]);
});

test("without a context a lock file is taken to be there, and nothing is moved", () => {
  const [finding, ...more] = adviseDockerfile(Buffer.from("FROM golang:1.23\nLABEL org.opencontainers.image.source=x\nCOPY . .\nRUN go mod download\n"), {});
  assert.deepEqual([finding?.rule, finding?.edits, more], ["stemma/copy-before-install", undefined, []]);
});

test("no message holds the secret that it is about", () => {
  const findings = adviseDockerfile(Buffer.from(`FROM alpine:3\nENV MY_PASSWORD=correct-horse X=ghp_${"a1".repeat(18)}\n`), {});
  assert.equal(findings.filter(({ rule }) => rule === "stemma/secret-value").length, 2);
  assert.doesNotMatch(JSON.stringify(findings), /correct-horse|ghp_/);
});
