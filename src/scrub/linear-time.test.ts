import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { Scrubber, scrubText } from "./scrubber.ts";
import { processorMs } from "../testing/processor-time.ts";

const SIZE = 256 * 1024;
/** A search that goes back over what it has read takes minutes for the worst of these; a slow machine, seconds. */
const BAD_TEXT_MS_MAX = 6_000;

const filled = (text: string, size = SIZE): string => text.repeat(Math.ceil(size / text.length)).slice(0, size);

/** One line, or many, of what makes a careless pattern try again and again. */
const BAD = [
  "a", " ", "\n", "@", ":", "/", "\\", "\\\n", "-", "_", "=", "`", "$(", "<", "%", '"', "{", "a.", "a-", "a/b+", "https://", "https://a:b", "x://a:b/c", "a:b@", "aa.bb-cc:", "%3A%2F%2F", "%3A%2F%2Fa", "&a=b", "&key=", "?token=", "?a=?a=",
  "token", "token=", "token=$", "key=", "key=aB3$", "password='", 'password="', 'key="', "--token ", "<password>", "token,", '{"token":"', '{"auth":"dXNl', "${token:-", "authauth ", "authorization: ", "Bearer ", "login x ", "login x password ",
  "curl -u a:b ", " -u a:b", " -p a", "docker login ", "a:b | ", "a:b | chpasswd", "echo a|", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nabc", `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}\n`, "-----END PRIVATE KEY-----",
  "eyJ", "eyJaaaaaaaaaa.", "SG.aaaaaaaaaaaaaaaaa.", "Maaaaaaaaaaaaaaaaaaaaaaaa.", "AZDO", "+ASt", "-us1", `${"a".repeat(80)}+ASt`, "b3BlbnNzaC1rZXktdjE", "A".repeat(76) + "\n", "ARG A_TOKEN=abcdef1234\n", "ENV A=\"B=", "ENV a='",
];

test("no text makes a search go back over what it has read", () => {
  for (const text of BAD) {
    const started = processorMs();
    new Scrubber().dockerfile(filled(text), "Dockerfile");
    new Scrubber().dockerfile(`ENV ${filled(text)}`, "Dockerfile");
    const tookMs = processorMs() - started;
    assert.ok(tookMs < BAD_TEXT_MS_MAX, `${JSON.stringify(text.slice(0, 30))} took ${Math.round(tookMs)} ms`);
  }
});

test("a Dockerfile of 1 MB and a log of 5 MB take a moment, with secrets to look for", () => {
  const secrets = new RandomSecrets(1);
  const scrubber = new Scrubber();
  for (let i = 0; i < 20; i++) scrubber.learn(secrets.password());
  const line = "RUN apt-get install -y --no-install-recommends ca-certificates && curl -fsSL https://example.com/a/b.tgz | tar xz -C /usr/local\n";
  const started = processorMs();
  scrubber.dockerfile(filled(line, 1024 * 1024), "Dockerfile");
  for (const each of filled(line, 5 * 1024 * 1024).split("\n")) scrubber.text(each, "log");
  const tookMs = processorMs() - started;
  assert.ok(tookMs < 10_000, `${Math.round(tookMs)} ms`);
});

test("one line of 5 MB is read once", () => {
  const secret = new RandomSecrets(1).password();
  const text = `${filled("abc def=ghi ", 5 * 1024 * 1024)} --token ${secret}`;
  assert.ok(!scrubText(text).includes(secret));
});
