import assert from "node:assert/strict";
import { test } from "node:test";
import { servedFrontend, wantedFrontend } from "./frontend-syntax.ts";

/** The image of the frontend, where it is not the built-in one. */
function wanted(first: string, args: Record<string, string> = {}): string | undefined {
  const attributes = new Map(Object.entries(args));
  const found = wantedFrontend(Buffer.from(`${first}\nFROM scratch\n`), attributes);
  return found === undefined || servedFrontend(found, attributes) ? undefined : found.source;
}

test("the built-in frontend serves docker/dockerfile and its known tags", () => {
  for (const tag of ["", ":1", ":1.7", ":1.26.0", ":labs", ":1.4-labs", ":latest"]) assert.equal(wanted(`# syntax=docker/dockerfile${tag}`), undefined, tag);
  assert.equal(wanted("# a comment"), undefined);
  assert.equal(wanted("# syntax=docker.io/docker/dockerfile:1"), undefined);
});

test("any other frontend is the image of that name", () => {
  for (const ref of ["example.com/my/frontend:1", "docker/dockerfile:1.99", "docker/dockerfile:2", `docker/dockerfile@sha256:${"0".repeat(64)}`]) assert.equal(wanted(`# syntax=${ref}`), ref);
});

test("a context of the name of a built-in one means another", () => {
  assert.equal(wanted("# syntax=docker/dockerfile:1", { "context:docker/dockerfile:1": "oci-layout://x" }), "docker/dockerfile:1");
});

test("BUILDKIT_SYNTAX is asked first, and a request that was handed on is not handed on again", () => {
  assert.equal(wanted("# syntax=example.com/my/frontend:1", { "build-arg:BUILDKIT_SYNTAX": "dockerfile.v0" }), undefined);
  assert.equal(wanted("# plain", { "build-arg:BUILDKIT_SYNTAX": " example.com/x with words" }), "example.com/x");
  assert.equal(wanted("# syntax=example.com/my/frontend:1", { cmdline: "example.com/my/frontend:1" }), undefined);
});

test("a directive tells where it stands", () => {
  const found = wantedFrontend(Buffer.from("# syntax=example.com/f:1 and more\nFROM scratch\n"), new Map());
  assert.deepEqual([found?.commandLine, found?.location?.map(({ start }) => start.line)], ["example.com/f:1 and more", [1]]);
});
