import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openEmbeddedSession } from "./embedded-session.ts";
import { parseSecret } from "./secret-flag.ts";

const signal = new AbortController().signal;

test("a secret names a file or a variable, and by itself the variable of its id before the file", () => {
  const environment = { token: "t" };
  const parse = (flag: string): unknown => parseSecret(flag.split(","), environment).source;
  assert.deepEqual(parse("id=a,src=f"), { kind: "file", path: "f" });
  assert.deepEqual(parse("ID=a,source=f,type=file"), { kind: "file", path: "f" });
  assert.deepEqual(parse("id=a,env=V"), { kind: "env", name: "V" });
  assert.deepEqual(parse("id=a,src=V,type=env"), { kind: "env", name: "V" });
  assert.deepEqual(parse("id=token"), { kind: "env", name: "token" });
  assert.deepEqual(parse("id=other"), { kind: "file", path: "other" });
});

test("a secret that cannot be understood is refused in buildx's words", () => {
  const refuse = (flag: string, message: string): void => assert.throws(() => parseSecret(flag.split(","), {}), { code: "usage", message });
  refuse("src=f", "secret missing ID");
  refuse("id=a,type=gpg", 'unsupported secret type "gpg"');
  refuse("id=a,path=x", "unexpected key 'path' in 'path=x'");
  refuse("id", "invalid field 'id' must be a key=value pair");
});

test("a session reads each secret from where it is, when it is asked for", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-secret-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "s"), "from a file");
  const session = await openEmbeddedSession({
    directories: new Map(),
    agents: [],
    environment: { V: "from a variable" },
    secrets: [
      { id: "file", source: { kind: "file", path: join(folder, "s") } },
      { id: "env", source: { kind: "env", name: "V" } },
      { id: "function", source: { kind: "function", read: async () => Buffer.from("from a function") } },
    ],
  }, signal);
  for (const [id, expected] of [["file", "from a file"], ["env", "from a variable"], ["function", "from a function"]] as const) {
    assert.equal(Buffer.from(await session.secret(id, signal) ?? "").toString(), expected);
  }
  assert.equal(await session.secret("none", signal), undefined);
  assert.equal(session.directory("context"), undefined);
});

test("a file that is missing or too big is told before the build", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "stemma-secret-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "big"), Buffer.alloc(500 * 1024 + 1));
  const open = async (path: string): Promise<unknown> =>
    await openEmbeddedSession({ directories: new Map(), environment: {}, agents: [], secrets: [{ id: "s", source: { kind: "file", path } }] }, signal);
  await assert.rejects(open("/nowhere/at/all"), { code: "unreadable", message: "failed to stat /nowhere/at/all: stat /nowhere/at/all: no such file or directory" });
  await assert.rejects(open(join(folder, "big")), { code: "secret-too-big", message: "secret s too big. max size 500KiB" });
});
