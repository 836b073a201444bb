import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findExecutable } from "../host/executable.ts";
import { runProcess } from "../host/process.ts";
import { armored, SecurityKey, type SecurityKeyType } from "../testing/security-key.ts";
import { verifySshSignature } from "./ssh-signature.ts";

const TYPES: readonly SecurityKeyType[] = ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"];
const never = new AbortController().signal;
const env = { PATH: process.env["PATH"] ?? "" };
const path = mkdtempSync(join(tmpdir(), "stemma-security-key-"));
const hello = Buffer.from("hello");

after(async () => {
  await rm(path, { recursive: true, force: true });
});

function verify(signature: string, publicKey: string, bytes = hello): void {
  verifySshSignature(signature, bytes, { publicKey, namespace: "git" });
}

test("a signature by a security key holds for its bytes, its key and its use", () => {
  for (const type of TYPES) {
    const key = new SecurityKey(type);
    const other = new SecurityKey(type);
    // Numbers of ECDSA have now and then fewer bytes than the curve; more flags than the first say how somebody was known.
    for (const flags of [0x01, 0x05, 0x85]) {
      const text = armored(key.sign(hello, { flags, counter: 0xffff_fffe }));
      verify(text, key.publicKeyLine());
      assert.throws(() => verify(text, key.publicKeyLine(), Buffer.from("hellO")), /not of these bytes/);
      assert.throws(() => verify(text, other.publicKeyLine()), /it is by SHA256:.*, not by SHA256:/);
    }
    assert.throws(() => verify(armored(key.sign(hello, { namespace: "file" })), key.publicKeyLine()), /unexpected SSH signature namespace: "file"/);
  }
});

test("no signature by a security key holds that nobody has touched it for, or of which any part was changed", () => {
  for (const type of TYPES) {
    const [key, other] = [new SecurityKey(type), new SecurityKey(type)];
    const line = key.publicKeyLine();
    const good = key.sign(hello);
    verify(armored(good), line);
    for (const flags of [0x00, 0x04, 0xfe]) assert.throws(() => verify(armored(key.sign(hello, { flags })), line), /signature missing required user presence flag/);
    const changed = {
      "a touch that is only said": { ...key.sign(hello, { flags: 0 }), flags: 1 }, "other flags": { ...good, flags: 5 }, "another counter": { ...good, counter: good.counter + 1 },
      "another's signature": { ...good, blob: other.sign(hello).blob }, "a bit of the signature": { ...good, blob: Buffer.concat([good.blob.subarray(0, -1), Buffer.from([(good.blob.at(-1) ?? 0) ^ 1])]) },
      "no security key's kind": { ...good, format: type.slice("sk-".length, -"@openssh.com".length) }, "another use": { ...key.sign(hello, { namespace: "file" }), namespace: "git" },
    };
    for (const [what, signature] of Object.entries(changed)) assert.throws(() => verify(armored(signature), line), /failed to verify ssh signature: it is not of these bytes/, what);
    // Of another application it is another key, also where both the file and the signature say so.
    assert.throws(() => verify(armored(good), key.publicKeyLine("ssh:other")), /it is by SHA256/);
    assert.throws(() => verify(armored({ ...good, publicKey: key.publicKey("ssh:other") }), key.publicKeyLine("ssh:other")), /it is not of these bytes/);
    assert.throws(() => verify(armored(good, Buffer.from([0])), line), /goes on after its counter/);
  }
});

test("ssh-keygen takes the same files", { skip: findExecutable("ssh-keygen", env) === undefined ? "ssh-keygen is not installed" : false }, async () => {
  for (const type of TYPES) {
    const key = new SecurityKey(type);
    const [signers, signature] = [join(path, "signers"), join(path, "signature")];
    await writeFile(signers, `who@example.com ${key.publicKeyLine()}`);
    const verified = async (text: string): Promise<number | null> => {
      await writeFile(signature, text);
      return (await runProcess({ argv: ["ssh-keygen", "-Y", "verify", "-f", signers, "-I", "who@example.com", "-n", "git", "-s", signature], env, input: hello }, never)).exitCode;
    };
    const good = key.sign(hello);
    assert.equal(await verified(armored(good)), 0, type);
    assert.notEqual(await verified(armored({ ...good, counter: 8 })), 0, type);
  }
});
