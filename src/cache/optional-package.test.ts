import assert from "node:assert/strict";
import { test } from "node:test";
import { CacheError } from "./cache-error.ts";
import { optionalPackage } from "./optional-package.ts";

test("a package that is not installed is named, with what it is for", async () => {
  await assert.rejects(optionalPackage("@stemma/nobody-has-this", "type=s3"), (error) => error instanceof CacheError && error.code === "unsupported" && error.message.endsWith("npm install @stemma/nobody-has-this"));
});

test("one that is there is what it is", async () => {
  assert.equal((await optionalPackage<{ readonly sep: string }>("node:path", "nothing")).sep, "/");
});
