import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRunMount, previewRunMount } from "./run-mount.ts";

function plain(word: string): string {
  return word;
}

test("every key of a mount is read, and bare ones too", () => {
  assert.deepEqual(parseRunMount('type=secret,id=s,"target=/a,b",required,env=TOKEN,mode=0440,uid=1,gid=2', plain), {
    type: "secret", from: "", source: "", target: "/a,b", readOnly: true, sizeLimitBytes: 0n, id: "s", sharing: "", required: true,
    env: "TOKEN", mode: 0o440, uid: 1, gid: 2,
  });
  assert.equal(parseRunMount("type=tmpfs,dst=/t,size=1.5g", plain).sizeLimitBytes, 1_610_612_736n);
  assert.equal(parseRunMount("TYPE=cache,Destination=/c,sharing=LOCKED", plain).sharing, "locked");
});

test("binds and secrets are read-only unless said, caches and tmpfs are not", () => {
  const readOnly = (text: string): boolean => parseRunMount(text, plain).readOnly;
  assert.deepEqual(["target=/x", "rw", "rw=false", "readonly=false", "type=cache", "type=cache,ro", "type=tmpfs"].map(readOnly), [true, false, true, false, false, true, false]);
});

test("mistakes are told in BuildKit's words, with the key that was meant", () => {
  const faults: Readonly<Record<string, string>> = {
    "": "failed to parse csv mounts: EOF",
    "type=bnd": 'unsupported mount type "bnd" (did you mean bind?)',
    "typ=bind": "unexpected key 'typ' in 'typ=bind' (did you mean type?)",
    "size=1": "unexpected key 'size' for mount type 'bind'",
    "type=tmpfs,size=x": "invalid value for size: x",
    "type=cache,sharing=all": 'unsupported sharing value "all"',
    "type=cache,mode=9": "invalid value 9 for mode",
    "type=cache,uid=4294967296": "invalid value 4294967296 for uid",
    "mode=1": 'mode not allowed for "bind" type mounts',
    "type=secret": "invalid secret mount. one of source, target required",
    "type=secret,src=a,id=b": "both source and id can't be set",
    "type=ssh,sharing=shared": "invalid cache sharing set for ssh mount",
    "target": "invalid field 'target' must be a key=value pair",
    "required": "unexpected key 'required' for mount type 'bind'",
    "ro=maybe": "invalid value for ro: maybe",
  };
  for (const [text, message] of Object.entries(faults)) assert.throws(() => parseRunMount(text, plain), { name: "InstructionError", message }, text);
});

test("before expansion only `from` counts, and it holds no variable", () => {
  const mount = previewRunMount("type=$T,from=build,bogus=1,target");
  assert.deepEqual([mount.type, mount.from, mount.target], ["bind", "build", ""]);
  assert.equal(previewRunMount("from=a$").from, "a$");
  assert.throws(() => previewRunMount("from=$X"), { message: "'from' doesn't support variable expansion, define alias stage instead" });
});
