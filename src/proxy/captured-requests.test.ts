import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../content/digest.ts";
import { CapturedRequests } from "./captured-requests.ts";

const ONE = digestOf(Buffer.from("one"));
const TWO = digestOf(Buffer.from("two"));

test("a file has the name it came by, and each that led to it", () => {
  const captured = new CapturedRequests();
  captured.answered("GET", "http://example.com:80/latest", 302, "http://example.com/v1");
  captured.answered("GET", "http://example.com/v1", 307, "https://cdn.example.com:443/v1");
  captured.answered("GET", "https://cdn.example.com:443/v1", 200);
  captured.fetched("https://cdn.example.com:443/v1", ONE);
  assert.deepEqual(captured.summary(), {
    files: [{ url: "https://cdn.example.com/v1", digest: ONE }, { url: "http://example.com/latest", digest: ONE }, { url: "http://example.com/v1", digest: ONE }],
    incomplete: [],
  });
});

test("redirects that lead nowhere, or in circles, name no file", () => {
  const captured = new CapturedRequests();
  captured.answered("GET", "http://a.example/1", 302, "http://a.example/2");
  captured.answered("GET", "http://a.example/2", 302, "http://a.example/1");
  captured.answered("GET", "http://a.example/3", 302, "http://a.example/4");
  assert.deepEqual(captured.summary().files, []);
});

test("one URL with two contents is two files", () => {
  const captured = new CapturedRequests();
  for (const digest of [ONE, TWO]) captured.fetched("http://a.example/list", digest);
  assert.deepEqual(captured.summary().files.map(({ digest }) => digest), [ONE, TWO]);
});

test("credentials of a URL stand nowhere", () => {
  const captured = new CapturedRequests();
  captured.answered("GET", "http://user:secret@a.example/", 200);
  captured.fetched("http://user:secret@a.example/", ONE);
  captured.incomplete("POST", "http://user:secret@a.example/", "method_not_materializable");
  assert.doesNotMatch(JSON.stringify([captured.summary(), captured.lines()]), /secret/);
});

test("the step's output tells each request in BuildKit's form", () => {
  const captured = new CapturedRequests();
  assert.equal(captured.lines(), "");
  captured.answered("GET", "https://a.example:443/x", 200);
  captured.answered("POST", "http://a.example:8080/", 502);
  assert.equal(captured.lines(), "proxy network requests:\n- GET https://a.example/x -> 200\n- POST http://a.example:8080/ -> 502\n");
  captured.refusedTls("b.example:443");
  assert.match(captured.lines(), /^- CONNECT b\.example:443: no TLS came about: /m);
});
