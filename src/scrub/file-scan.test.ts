import assert from "node:assert/strict";
import { test } from "node:test";
import { lookAlikes } from "../testing/look-alikes.ts";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { FileScan } from "./file-scan.ts";
import { mayHoldToken } from "./may-hold-token.ts";
import { findTokens } from "./token-form.ts";
import { processorMs } from "../testing/processor-time.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);

/** Kinds with their lines, whatever the parts are that the bytes come in. */
function found(path: string, text: string | Uint8Array, partBytes = 64 * 1024): readonly string[] {
  const bytes = Buffer.from(text);
  const scan = new FileScan(path);
  for (let at = 0; at < bytes.byteLength; at += partBytes) scan.push(bytes.subarray(at, at + partBytes));
  return scan.result().map(({ kind, line, name }) => `${kind}@${line}${name === undefined ? "" : ` ${name}`}`);
}

test("what shows by its form is found in any file, with its line", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  for (let round = 0; round < 50; round++) {
    for (const { kind, text } of secrets.all()) {
      assert.deepEqual(found("src/a.ts", `first\nx("${text}");\n`), ["token@2"], `${kind} ${text}`);
      assert.deepEqual(found("notes", `first\nbefore ${text} behind\n`), ["token@2"], `${kind} ${text}`);
    }
  }
  assert.deepEqual(found("src/a.ts", 'x("xoxb-783283141105-639987999999-U4z7MnCD6WLMbLpQOc0ZSw08")'), ["token@1"], "with a run of equal digits");
  const { begin, body, end } = secrets.privateKey("OPENSSH ");
  assert.deepEqual(found("id_ed25519", [begin, ...body, end, ""].join("\n")), ["private-key@1"]);
  assert.deepEqual(found("a.py", `\nurl = "https://me:${secrets.password()}@registry.acme.dev/simple"\n`), ["url-credentials@2"]);
  assert.deepEqual(found("a.js", `const apiKey = "${secrets.letters("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)}7x${secrets.letters("0123456789abcdefghijXYZ", 28)}4Q";\n`), ["secret-variable@1 apiKey"]);
});

test("in files of settings, what stands under a secret's name is one", () => {
  const password = (): string => secrets.password();
  for (const [path, text, where] of [
    [".env", `A=b\nDB_PASSWORD=${password()}\n`, "secret-variable@2 DB_PASSWORD"],
    ["app/prod.env", "SESSION_SECRET=correct-horse\n", "secret-variable@1 SESSION_SECRET"],
    [".env.production", "SMTP_PASS=hunter2\n", "secret-variable@1 SMTP_PASS"],
    [".npmrc", `registry=https://r/\n//r/:_authToken=${password()}\n`, "secret-variable@2 _authToken"],
    [".pypirc", `[pypi]\nusername = a\npassword = ${password()}\n`, "secret-variable@3 password"],
    [".netrc", `machine h login me password ${password()}\n`, "authorization@1"],
    [".git-credentials", `https://me:${password()}@github.com\n`, "url-credentials@1"],
    [".aws/credentials", `[default]\naws_secret_access_key = ${secrets.letters("abcDEF0123456789+/", 40)}\n`, "secret-variable@2 aws_secret_access_key"],
    [".docker/config.json", `{"auths":{"h":{"auth":"${Buffer.from(`me:${password()}`).toString("base64")}"}}}\n`, "secret-variable@1 auth"],
    ["db.properties", `spring.datasource.password=${password()}\n`, "secret-variable@1 spring.datasource.password"],
  ] as const) assert.deepEqual(found(path, text), [where], path);
});

test("what is no secret is not found: samples, programs that handle secrets, settings that point to them", () => {
  for (let seed = 0; seed < 20; seed++) for (const [kind, text] of Object.entries(lookAlikes(SEED + seed))) assert.deepEqual(found("src/a", `${text}\n`), [], `${kind}: ${text}`);
  for (const text of [
    'const password = await askForPassword(); if (token === "undefined") throw new Error("token: none");',
    'const PEM = "-----BEGIN PRIVATE KEY-----\\n" + body + "\\n-----END PRIVATE KEY-----";',
    "clone https://user:password1@example.com/repo.git or http://u:p4ssword@localhost:8080/",
    'export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
    'tokenize("secretKey", accessTokenFromRequestContext)',
  ]) assert.deepEqual(found("src/a.ts", text), [], text);
  assert.deepEqual(found(".env.example", "DB_PASSWORD=change-me\n"), []);
  assert.deepEqual(found(".npmrc", "//registry/:_authToken=${NPM_TOKEN}\n"), []);
  assert.deepEqual(found(".env", "PASSWORD_FILE=/run/secrets/db\nTOKEN=\n"), []);
});

test("a secret is found whatever parts the file comes in, in long lines, and however far behind", () => {
  const { text = "" } = secrets.all().find(({ kind }) => kind === "github-classic") ?? {};
  const lines = "some text of a line\n".repeat(5000);
  for (const partBytes of [1, 7, 4096]) assert.deepEqual(found("a", `${"x\n".repeat(20)}${text}\n`, partBytes), ["token@21"]);
  assert.deepEqual(found("a", `${lines}${text}\n${lines}`), ["token@5001"]);
  for (let before = 16 * 1024 - 60; before < 16 * 1024 + 20; before += 7) assert.deepEqual(found("a", `${"- ".repeat(before / 2)}${text} ${"- ".repeat(40_000)}`), ["token@1"], `${before}`);
  assert.deepEqual(found("a", `${"some text of a line\n".repeat(250_000)}${text}\n`), ["token@250001"]);
  assert.deepEqual(found("a", `${"- ".repeat(2_500_000)}${text}\n`), ["token@1"]);
  for (const partBytes of [100, 64 * 1024]) {
    assert.deepEqual(found("a", Buffer.from(`${"x".repeat(16_383)}\0${text}\n`), partBytes), [], "what is no text");
    assert.deepEqual(found("a", Buffer.from(`${"x".repeat(16_384)}\0${text}\n`), partBytes), ["token@1"], "what begins as one");
  }
});

test("what is passed over without a look has no token", () => {
  for (let round = 0; round < 300; round++) {
    for (const { kind, text } of secrets.all()) {
      for (const around of [`x ${text} y`, text, `some-words-of-a-name-${text}`, `https://host/path:${text}/x.y`]) if (findTokens(around).length > 0) assert.ok(mayHoldToken(around), `${kind} ${around}`);
    }
  }
});

test("a part is looked at in a few milliseconds, whatever is in it", () => {
  const part = 16 * 1024;
  for (const unit of ["A", "a1", "pass", "password=", 'secret="', "://a:", "-----BEGIN PRIVATE KEY-----\n", "AKIA", "eyJ", "x.y/", "_-", "Bearer ", "\n", "token: ", "://a:b@c "]) {
    for (const path of ["a.ts", ".env"]) {
      const scan = new FileScan(path);
      const bytes = Buffer.from(unit.repeat(part / unit.length));
      // What is compiled and collected meanwhile counts too: the quickest of some is taken.
      const tookMs = Array.from({ length: 5 }, () => {
        const startedMs = processorMs();
        scan.push(bytes);
        return processorMs() - startedMs;
      });
      assert.ok(Math.min(...tookMs) < 20, `${unit} in ${path}: ${tookMs.join(", ")} ms`);
    }
  }
});
