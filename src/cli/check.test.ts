import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { adviceRules, adviceRuleText } from "../doors/check.ts";
import { startFakeRegistry } from "../testing/fake-registry.ts";
import { command } from "./check.ts";
import { EXIT } from "./exit-code.ts";
import { explainFailure } from "./failure.ts";

function place(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "stemma-check-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content);
  return folder;
}

async function check(cwd: string, ...args: readonly string[]): Promise<{ readonly out: string; readonly told: string; readonly status: number }> {
  let [out, told] = ["", ""];
  const io = {
    stdin: Readable.from([]), stdout: (text: string | Uint8Array) => void (out += Buffer.from(text).toString()), streamOut: async (part: Uint8Array) => void (out += Buffer.from(part).toString()), stderr: (text: string) => void (told += text), terminal: undefined, isStdoutTerminal: false,
    env: {}, cwd, signal: new AbortController().signal,
  };
  try {
    return { status: await command.run(args, io), out, told };
  } catch (error) {
    const { message, exitCode } = explainFailure(error);
    return { status: exitCode, out, told: message };
  }
}

const LABEL = 'LABEL org.opencontainers.image.source="x"\n';

test("findings are told with their lines, their advice and their pages, and the status is 1", async (t) => {
  const folder = place(t, { Dockerfile: `FROM alpine\n${LABEL}` });
  assert.deepEqual(await check(folder), {
    status: EXIT.other,
    told: "",
    out: "Dockerfile:1: stemma/unpinned-base: alpine is named by neither tag nor digest\n    Name a tag that says a version, or add the image's digest.\n    docs/rules/unpinned-base.md\n",
  });
  const json = JSON.parse((await check("/", "--format=json", folder)).out) as { readonly findings: readonly unknown[] };
  assert.equal(json.findings.length, 1);
  const skipped = await check(folder, "--skip", "stemma/unpinned-base,secret-value");
  assert.equal(skipped.status, EXIT.ok);
  assert.match(skipped.out, /BuildKit's rules are not part/);
});

test("--fix edits the file where that is safe, once, and tells what is left", async (t) => {
  const folder = place(t, { Dockerfile: `FROM golang:1.23\r\n${LABEL}COPY . .\r\nRUN go mod download\r\nRUN apk add git`, "go.mod": "", "go.sum": "" });
  const first = await check(folder, "--fix");
  assert.equal(first.status, EXIT.other);
  assert.match(first.told, /^Dockerfile:3: mended: stemma\/copy-before-install: /);
  assert.match(first.out, /^Dockerfile:6: stemma\/unpinned-package: [^\n]*git\n/);
  const mended = `FROM golang:1.23\r\n${LABEL}COPY --parents go.mod go.sum ./\r\nRUN go mod download\r\nCOPY . .\r\nRUN apk add git`;
  assert.equal(readFileSync(join(folder, "Dockerfile"), "utf8"), mended);
  assert.equal((await check(folder, "--fix")).told, "");
  assert.equal(readFileSync(join(folder, "Dockerfile"), "utf8"), mended);
});

test("a lock file that the Dockerfile's own ignore file leaves out is not there", async (t) => {
  const folder = place(t, { "a.Dockerfile": `FROM golang:1.23\n${LABEL}COPY . .\nRUN go mod download\n`, "go.mod": "", "go.sum": "", "a.Dockerfile.dockerignore": "go.*\n" });
  assert.equal((await check(folder, "-f", "a.Dockerfile")).status, EXIT.ok);
  rmSync(join(folder, "a.Dockerfile.dockerignore"));
  assert.equal((await check(folder, "-f", "a.Dockerfile")).status, EXIT.other);
});

test("--pin asks the registry for the digests, and only then", async (t) => {
  await using registry = await startFakeRegistry();
  const { digest } = registry.addManifest("base", { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }, "latest");
  const folder = place(t, { Dockerfile: `FROM ${registry.host}/base AS base\nFROM ${registry.host}/none:edge\n${LABEL}` });
  assert.equal((await check(folder, "--fix")).status, EXIT.other);
  assert.equal(registry.requests.length, 0);
  const { status, out } = await check(folder, "--fix", "--pin");
  assert.equal(status, EXIT.other);
  assert.match(out, /^Dockerfile:2: stemma\/unpinned-base: the tag of [^\n]*none:edge says no version\n/);
  assert.equal(readFileSync(join(folder, "Dockerfile"), "utf8"), `FROM ${registry.host}/base@${digest} AS base\nFROM ${registry.host}/none:edge\n${LABEL}`);
});

test("what cannot be checked has a status of its own", async (t) => {
  const folder = place(t, { Dockerfile: "FROM alpine\nFOO\n" });
  const bad = await check(folder);
  assert.deepEqual([bad.status, bad.out], [EXIT.dockerfile, ""]);
  assert.match(bad.told, /^ERROR: Dockerfile:2: .*unknown instruction: FOO/);
  for (const args of [["-f", "none"], ["none"], ["none", "-f", "Dockerfile"]]) assert.equal((await check(folder, ...args)).status, EXIT.missingInput, args.join(" "));
  for (const args of [["--skip=nope"], ["--format=xml"], ["--pin"], ["--fix", "-f", "-"], ["a", "b"], ["--nope"]]) {
    assert.equal((await check(folder, ...args)).status, EXIT.usage, args.join(" "));
  }
});

test("each rule has a page that names it, with an example, and a row in the overview", () => {
  const docs = join(import.meta.dirname, "../..");
  const overview = readFileSync(join(docs, "docs/check.md"), "utf8");
  for (const rule of adviceRules()) {
    const { page } = adviceRuleText(rule);
    assert.ok(existsSync(join(docs, page)), page);
    const text = readFileSync(join(docs, page), "utf8");
    assert.ok(text.startsWith(`# ${rule}\n`) && text.includes("```dockerfile\n"), page);
    assert.ok(overview.includes(`[${rule}](${page.replace("docs/", "")})`), rule);
  }
});
