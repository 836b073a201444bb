import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomSecrets } from "../testing/random-secrets.ts";
import { findSecretsFrom } from "./find-secrets.ts";
import { KnownSecrets } from "./known-secrets.ts";
import { LineScrubber } from "./line-scrubber.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const secrets = new RandomSecrets(SEED);

/** What comes out when the bytes come in pieces of this size. */
function through(bytes: Uint8Array, sizeBytes: number, known: KnownSecrets = new KnownSecrets()): Buffer {
  const lines = new LineScrubber((text, inKey) => findSecretsFrom(text, known, inKey));
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += sizeBytes) out.push(lines.push(bytes.subarray(at, at + sizeBytes)));
  return Buffer.concat([...out, lines.end()]);
}

test("a secret is masked in whatever pieces it comes", () => {
  const [token, password] = [secrets.password(), secrets.password()];
  const known = new KnownSecrets();
  known.learn(password);
  const { begin, body, end } = secrets.privateKey("RSA ");
  const text = `one\nTOKEN=${token}\r\n${password} ä\n${[begin, ...body, end].join("\n")}\nlast ${password}`;
  const expected = `one\nTOKEN=xxxxx\r\nxxxxx ä\n${[begin, ...body.map(() => "xxxxx"), end].join("\n")}\nlast xxxxx`;
  for (const size of [1, 2, 3, 7, 64, 1000]) assert.equal(through(Buffer.from(text), size, known).toString("utf8").replaceAll("xxxxx==", "xxxxx"), expected, `SEED=${SEED}, ${size}`);
});

test("bytes without a secret come out as they are, also what is no text", () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256));
  for (const size of [1, 100, 10_000]) assert.ok(through(bytes, size).equals(bytes));
});

test("a line is given out when it ends, and one that does not end when it is too long to wait for", () => {
  const lines = new LineScrubber((text, inKey) => findSecretsFrom(text, new KnownSecrets(), inKey));
  assert.equal(Buffer.from(lines.push(Buffer.from("a\nb"))).toString(), "a\n");
  assert.equal(lines.push(Buffer.from("c")).byteLength, 0);
  assert.equal(Buffer.from(lines.push(Buffer.from("\r"))).toString(), "bc\r");
  assert.equal(lines.push(Buffer.alloc(300 * 1024, "x")).byteLength, 300 * 1024);
});
