import assert from "node:assert/strict";
import { test } from "node:test";
import { requireBuiltInSyntax } from "./frontend-syntax.ts";
import { RequestError } from "./request-error.ts";

const check = (first: string, args: Record<string, string> = {}): void => requireBuiltInSyntax(Buffer.from(`${first}\nFROM scratch\n`), new Map(Object.entries(args)));

test("the built-in frontend serves docker/dockerfile and its known tags", () => {
  for (const tag of ["", ":1", ":1.7", ":1.26.0", ":labs", ":1.4-labs", ":latest"]) check(`# syntax=docker/dockerfile${tag}`);
  check("# a comment");
  check("# syntax=docker.io/docker/dockerfile:1");
});

test("any other frontend is refused by name", () => {
  for (const ref of ["example.com/my/frontend:1", "docker/dockerfile:1.99", "docker/dockerfile:2", `docker/dockerfile@sha256:${"0".repeat(64)}`]) {
    assert.throws(() => check(`# syntax=${ref}`), (error) => error instanceof RequestError && error.message.startsWith(`frontend ${ref} is not supported yet`), ref);
  }
});

test("BUILDKIT_SYNTAX is asked first", () => {
  check("# syntax=example.com/my/frontend:1", { "build-arg:BUILDKIT_SYNTAX": "dockerfile.v0" });
  assert.throws(() => check("# plain", { "build-arg:BUILDKIT_SYNTAX": "example.com/x" }), RequestError);
});
