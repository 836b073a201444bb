import { existsSync, mkdtempSync } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findExecutable } from "../host/executable.ts";
import { runProcess } from "../host/process.ts";

const never = new AbortController().signal;
const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };

/** For node:test: the reason to skip, or false. */
export const signingSkip: string | false = ["ssh-keygen", "gpg", "gpgv"].every((name) => findExecutable(name, env) !== undefined) ? false : "ssh-keygen and GnuPG are not installed";

export interface SshKey {
  /** Of the private key's file; the public one's is the same with `.pub`. */
  readonly path: string;
  readonly publicKey: string;
  /** What git is told to sign with it. */
  readonly git: readonly string[];
}

export interface PgpKey {
  readonly publicKey: string;
  readonly id: string;
  readonly fingerprint: string;
  readonly git: readonly string[];
  /** An armored signature of the file. */
  sign(path: string, ...options: readonly string[]): Promise<string>;
  /** The public key, armored, with what was done to it since. */
  exported(): Promise<string>;
  revoke(): Promise<void>;
  gpg(...args: readonly string[]): Promise<string>;
}

/** Keys of the real tools, in a directory of their own; with it goes what GnuPG started. */
export class SigningKeys implements AsyncDisposable {
  readonly #path = mkdtempSync(join(tmpdir(), "stemma-keys-"));
  #made = 0;

  async ssh(type = "ed25519", ...options: readonly string[]): Promise<SshKey> {
    const path = join(this.#path, `ssh-${this.#made++}`);
    await run(["ssh-keygen", "-q", "-t", type, ...options, "-N", "", "-C", "who@example.com", "-f", path]);
    return { path, publicKey: await readFile(`${path}.pub`, "utf8"), git: ["-c", "gpg.format=ssh", "-c", `user.signingkey=${path}`] };
  }

  /** A certificate of that key, which ssh then finds beside it; one that was made before is replaced. */
  async certificate(key: SshKey, authority: SshKey): Promise<string> {
    await run(["ssh-keygen", "-q", "-s", authority.path, "-I", "who", "-n", "who@example.com", `${key.path}.pub`]);
    return await readFile(`${key.path}-cert.pub`, "utf8");
  }

  /** `algorithm` as `gpg --quick-gen-key` takes it. */
  async pgp(name: string, algorithm = "ed25519", made: readonly string[] = []): Promise<PgpKey> {
    const program = join(this.#path, "gpg");
    if (!existsSync(program)) {
      await writeFile(program, `#!/bin/sh\nexec gpg --homedir ${this.#path} "$@"\n`);
      await chmod(program, 0o755);
      await chmod(this.#path, 0o700);
    }
    const gpg = async (...args: readonly string[]): Promise<string> => await run([program, "--batch", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback", ...args]);
    await gpg(...made, "--quick-gen-key", `${name} <${name}@example.com>`, algorithm, "sign", "never");
    const exported = (): Promise<string> => gpg("--armor", "--export", `=${name} <${name}@example.com>`);
    const listed = await gpg("--with-colons", "--list-keys", `=${name} <${name}@example.com>`);
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? "";
    const id = fingerprint.slice(-16);
    return {
      id: id.toLowerCase(), fingerprint, gpg, exported,
      revoke: async () => {
        // GnuPG made it with the key, and a colon keeps it from being used by mistake.
        const path = join(this.#path, "revocation");
        await writeFile(path, (await readFile(join(this.#path, "openpgp-revocs.d", `${fingerprint}.rev`), "utf8")).replace(":-----BEGIN", "-----BEGIN"));
        await gpg("--import", path);
      },
      publicKey: await exported(),
      git: ["-c", `gpg.program=${program}`, "-c", `user.signingkey=${id}`],
      sign: (path, ...options) => gpg("--armor", "--local-user", id, ...options, "--output", "-", "--detach-sign", path),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(join(this.#path, "gpg"))) await run(["gpgconf", "--homedir", this.#path, "--kill", "all"]);
    await rm(this.#path, { recursive: true, force: true });
  }
}

async function run(argv: readonly [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProcess({ argv, env: { ...env, HOME: "/dev/null" } }, never);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString("utf8")}`);
  return stdout.toString("utf8");
}
