import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { runProcess } from "../host/process.ts";
import { signingSkip, SigningKeys } from "../testing/signing-keys.ts";
import { parsePgpSignature, verifyPgpSignature } from "./pgp-signature.ts";
import { parseSshSignature, sshFingerprint, verifySshSignature } from "./ssh-signature.ts";
import type { TrustErrorCode } from "./trust-error.ts";

const nowSeconds = Math.floor(Date.now() / 1000);
const never = new AbortController().signal;
const env = { PATH: process.env["PATH"] ?? "" };
const path = mkdtempSync(join(tmpdir(), "stemma-signatures-"));
const file = join(path, "file");
const keys = new SigningKeys();
let directories = 0;

after(async () => {
  await keys[Symbol.asyncDispose]();
  await rm(path, { recursive: true, force: true });
});

function isError(code: TrustErrorCode, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, code, String(error));
    assert.match(String(error), message);
    return true;
  };
}

async function signSsh(keyPath: string, namespace = "git"): Promise<string> {
  await writeFile(file, "hello");
  await rm(`${file}.sig`, { force: true });
  await runProcess({ argv: ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", keyPath, file], env }, never);
  return await readFile(`${file}.sig`, "utf8");
}

describe("a signature by ssh-keygen", { skip: signingSkip }, () => {
  test("holds for its bytes, its key and its use, whatever kind of key it is", async () => {
    const other = await keys.ssh();
    for (const [type, ...options] of [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "384"], ["ecdsa", "-b", "521"]] as const) {
      const key = await keys.ssh(type, ...options);
      // Numbers of ECDSA have now and then fewer bytes than the curve: more than one is looked at.
      for (let i = 0; i < (type === "ecdsa" ? 3 : 1); i++) {
        const text = await signSsh(key.path);
        verifySshSignature(text, Buffer.from("hello"), { publicKey: `# who signs\n\n${key.publicKey}`, namespace: "git" });
        assert.throws(() => verifySshSignature(text, Buffer.from("hellO"), { publicKey: key.publicKey, namespace: "git" }), isError("invalid", /not of these bytes/));
        assert.throws(() => verifySshSignature(text, Buffer.from("hello"), { publicKey: other.publicKey, namespace: "git" }), isError("invalid", /it is by SHA256:.*, not by SHA256:/));
        assert.throws(() => verifySshSignature(text, Buffer.from("hello"), { publicKey: key.publicKey, namespace: "file" }), isError("invalid", /namespace: "git"/));
      }
    }
  });

  test("with a certificate holds where the file is that certificate, and not by its key, its authority or another certificate of the key", async () => {
    const authority = await keys.ssh();
    for (const [type, ...options] of [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa", "-b", "256"], ["ecdsa", "-b", "521"]] as const) {
      const key = await keys.ssh(type, ...options);
      const other = await keys.certificate(key, authority);
      const certificate = await keys.certificate(key, authority);
      const text = await signSsh(`${key.path}-cert.pub`);
      verifySshSignature(text, Buffer.from("hello"), { publicKey: certificate, namespace: "git" });
      assert.throws(() => verifySshSignature(text, Buffer.from("hellO"), { publicKey: certificate, namespace: "git" }), isError("invalid", /not of these bytes/));
      for (const publicKey of [key.publicKey, authority.publicKey, other]) {
        assert.throws(() => verifySshSignature(text, Buffer.from("hello"), { publicKey, namespace: "git" }), isError("invalid", /it is by SHA256:.*, not by SHA256:/));
      }
      const plain = await signSsh(key.path);
      assert.throws(() => verifySshSignature(plain, Buffer.from("hello"), { publicKey: certificate, namespace: "git" }), isError("invalid", /it is by SHA256:.*, not by SHA256:/));
    }
  });

  test("shows its key as ssh does, and one that is cut off or of another kind is told", async () => {
    const key = await keys.ssh();
    const text = await signSsh(key.path);
    const { stdout } = await runProcess({ argv: ["ssh-keygen", "-l", "-f", `${key.path}.pub`], env }, never);
    assert.ok(stdout.toString("utf8").includes(sshFingerprint(parseSshSignature(text).publicKey)));
    for (const cut of [text.slice(0, 60), text.replace("U1NI", "U1NJ"), text.replace(/^U1NI.*$/m, "U1NIU0lH"), "", "-----BEGIN SSH SIGNATURE-----\n!\n-----END SSH SIGNATURE-----\n"]) {
      assert.throws(() => parseSshSignature(cut), isError("invalid", /./));
    }
    assert.throws(() => verifySshSignature(text, Buffer.from("hello"), { publicKey: "no key", namespace: "git" }), isError("invalid", /failed to parse ssh public key/));
  });
});

describe("a signature by gpg", { skip: signingSkip }, () => {
  async function verify(signature: string, publicKeys: string, bytes = "hello"): Promise<void> {
    const directory = join(path, `gpg-${directories++}`);
    await mkdir(directory);
    await verifyPgpSignature({ signature, keys: publicKeys, signed: { bytes: Buffer.from(bytes) } }, { env, directory, nowSeconds }, never);
  }

  test("holds for its bytes and its key, which may be one of several", async () => {
    await writeFile(file, "hello");
    const [key, other, rsa] = [await keys.pgp("one"), await keys.pgp("other"), await keys.pgp("rsa", "rsa2048")];
    for (const signer of [key, rsa]) {
      const signature = await signer.sign(file);
      assert.deepEqual(parsePgpSignature(signature), { version: 4, keyId: signer.id });
      await verify(signature, other.publicKey + signer.publicKey);
      await assert.rejects(verify(signature, signer.publicKey, "hellO"), isError("invalid", /not of these bytes/));
      await assert.rejects(verify(signature, other.publicKey), isError("invalid", /no key of the file has made it/));
    }
    await assert.rejects(verify(await key.sign(file, "--digest-algo", "SHA1", "--allow-weak-digest-algos"), key.publicKey), isError("invalid", /weak|no key of the file/));
    await assert.rejects(verify("no signature", key.publicKey), isError("invalid", /no pgp signature block/));
    await assert.rejects(verify(await key.sign(file), "no key"), isError("invalid", /no armored data/));
  });

  test("does not hold by a short key, a revoked one, or one that had expired; it does by one that has expired since", async () => {
    await writeFile(file, "hello");
    const short = await keys.pgp("short", "rsa1024");
    await assert.rejects(verify(await short.sign(file), short.publicKey), isError("invalid", /RSA key too short: 1024 bits/));

    const future = await keys.pgp("future");
    await assert.rejects(verify(await future.sign(file, "--faked-system-time", "20990101T000000!"), future.publicKey), isError("invalid", /in the future/));

    const revoked = await keys.pgp("revoked");
    const signature = await revoked.sign(file);
    await verify(signature, revoked.publicKey);
    await revoked.revoke();
    await assert.rejects(verify(signature, await revoked.exported()), isError("invalid", /revoked/));

    const old = await keys.pgp("old", "ed25519", ["--faked-system-time", "20200101T000000!"]);
    const [before, later] = [await old.sign(file, "--faked-system-time", "20200110T000000!"), await old.sign(file, "--faked-system-time", "20200601T000000!")];
    await old.gpg("--faked-system-time", "20200102T000000!", "--quick-set-expire", old.fingerprint, "2020-02-01");
    await verify(before, await old.exported());
    await assert.rejects(verify(later, await old.exported()), isError("invalid", /had expired when it was made/));
  });

  test("is of a file as it is of bytes", async () => {
    await writeFile(file, "hello");
    const key = await keys.pgp("alone");
    const question = { signature: await key.sign(file), keys: key.publicKey, signed: { path: file } };
    const directory = join(path, `gpg-${directories++}`);
    await mkdir(directory);
    await verifyPgpSignature(question, { env, directory, nowSeconds }, never);
    await writeFile(file, "other");
    await assert.rejects(verifyPgpSignature(question, { env, directory, nowSeconds }, never), isError("invalid", /not of these bytes/));
  });
});
