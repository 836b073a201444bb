import assert from "node:assert/strict";
import { test } from "node:test";
import type { BuildRequest } from "./build-request.ts";
import { planCache } from "./plan-cache.ts";
import { RequestError } from "./request-error.ts";

const request = (change: Partial<BuildRequest>): BuildRequest => ({ context: "/context", root: "/root", env: {}, ...change });
const refusal = (change: Partial<BuildRequest>): string => {
  try {
    planCache(request(change));
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
  throw new Error("was not refused");
};

test("what has no = is the name of an image, and a name without a tag is its latest", () => {
  const [first] = planCache(request({ cacheFrom: ["example.com/app"] })).imports;
  assert.deepEqual([first?.kind, first?.kind === "registry" && first.reference.tag], ["registry", "latest"]);
});

test("BUILDKIT_INLINE_CACHE is an inline cache, once", () => {
  const kinds = (buildArgs: Record<string, string>, cacheTo: readonly string[] = []): readonly string[] => planCache(request({ buildArgs, cacheTo })).exports.map(({ kind }) => kind);
  assert.deepEqual(kinds({ BUILDKIT_INLINE_CACHE: "1" }), ["inline"]);
  assert.deepEqual(kinds({ BUILDKIT_INLINE_CACHE: "true" }, ["type=inline"]), ["inline"]);
  assert.deepEqual(kinds({ BUILDKIT_INLINE_CACHE: "0" }), []);
});

test("Docker's media types make an index, and no manifest", () => {
  const [target] = planCache(request({ cacheTo: ["type=registry,ref=example.com/c,oci-mediatypes=false"] })).exports;
  assert.equal(target?.kind === "registry" && target.form.root, "index");
  assert.match(refusal({ cacheTo: ["type=registry,ref=example.com/c,oci-mediatypes=false,image-manifest=true"] }), /OCI mediatypes are required for image-manifest cache format/);
});

test("a refusal says what is wrong, and no secret", () => {
  assert.match(refusal({ cacheTo: ["type=local"] }), /dest is required/);
  assert.match(refusal({ cacheTo: ["type=local,dest=/x,mode=all"] }), /mode=all: use min or max/);
  assert.match(refusal({ cacheFrom: ["type=inline"] }), /unknown type "inline"/);
  assert.match(refusal({ cacheTo: ["type=inline"], reproducible: true }), /tells the times of its build/);
  const said = refusal({ cacheTo: ["type=s3,bucket=b,region=r,access_key_id=mine,secret_access_key=hush,session_token=hush,nonsense=1"] });
  assert.match(said, /unknown key "nonsense"/);
  assert.doesNotMatch(said, /hush|mine/);
});
