import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "../../src/doors/build.ts";
import { COMMIT_SECONDS, gitServerSkip, startGitServer, type GitRepository, type GitServer } from "../../src/testing/git-server.ts";
import { serve } from "../../src/testing/http-fixture.ts";
import { armored, SecurityKey } from "../../src/testing/security-key.ts";
import { signingSkip, SigningKeys, type PgpKey, type SshKey } from "../../src/testing/signing-keys.ts";

const path = mkdtempSync(join(tmpdir(), "stemma-policy-git-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: path };
const skip = gitServerSkip === false ? signingSkip : gitServerSkip;
const keys = new SigningKeys();
let directories = 0;

let server: GitServer;
let repository: GitRepository;
let ssh: SshKey;
let pgp: PgpKey;
const commits = new Map<string, string>();

/** A commit that is signed with each key, and one that is not; tags of the last one. */
before(async () => {
  if (skip !== false) return;
  server = await startGitServer();
  [ssh, pgp] = [await keys.ssh(), await keys.pgp("signer")];
  repository = await server.repository("r.git", { own: "1" });
  for (const [branch, options] of [["plain", []], ["ssh", [...ssh.git]], ["pgp", [...pgp.git]]] as const) {
    await repository.git("checkout", "--quiet", "-b", branch, "main");
    await repository.git(...options, "commit", "--quiet", "--allow-empty", ...(options.length === 0 ? [] : ["-S"]), "-m", `of ${branch}\n\nwith a body ü`);
    commits.set(branch, await repository.git("rev-parse", "HEAD"));
  }
  await repository.git("tag", "-a", "-m", "unsigned", "tag-plain", "plain");
  await repository.git(...ssh.git, "tag", "-s", "-m", "signed", "tag-ssh", "plain");
  await repository.git(...pgp.git, "tag", "-s", "-m", "signed", "tag-pgp", "plain");
});
after(async () => {
  await keys[Symbol.asyncDispose]();
  if (skip === false) await server[Symbol.asyncDispose]();
  await rm(path, { recursive: true, force: true });
});

interface Attempt {
  readonly failure: string | undefined;
  readonly log: string;
}

/** Builds with one source, about which the rules decide. */
async function attempt(source: string, rules: string, files: Readonly<Record<string, string>> = {}): Promise<Attempt> {
  const context = join(path, `context-${directories++}`);
  await mkdir(context, { recursive: true });
  const policy = `package docker\ndefault allow := false\nallow if input.local\nallow if {\n${rules}\n}\ndecision := {"allow": allow}\n`;
  const all = { Dockerfile: `FROM scratch\nADD ${source} /\n`, "Dockerfile.rego": policy, "ssh.pub": ssh.publicKey, "pgp.asc": pgp.publicKey, ...files };
  for (const [name, content] of Object.entries(all)) await writeFile(join(context, name), content);
  const run = build({ context, env, outputs: ["type=cacheonly"], policies: ["log-level=debug"], root: join(path, "state") });
  let log = "";
  run.result.catch(() => undefined);
  for await (const event of run.events) if (event.kind === "step-output") log += Buffer.from(event.bytes).toString();
  const failure = await run.result.then(() => undefined, (error: unknown) => (error instanceof Error ? error.message : String(error)));
  return { failure, log };
}

async function allowed(source: string, rules: string, files?: Readonly<Record<string, string>>): Promise<void> {
  const { failure, log } = await attempt(source, rules, files);
  assert.equal(failure, undefined, `${rules}\n${log}`);
}

async function denied(source: string, rules: string, says: RegExp = /./, files?: Readonly<Record<string, string>>): Promise<void> {
  const { failure, log } = await attempt(source, rules, files);
  assert.match(failure ?? "", /not allowed by policy: action DENY$/, `${rules}\n${log}`);
  assert.match(log, says);
}

const at = (ref: string): string => `${server.url}/r.git#${ref}`;

describe("a policy about a repository", { skip }, () => {
  test("sees the commit and the tag as they are in it", async () => {
    const when = new Date(COMMIT_SECONDS * 1000).toISOString().replace(".000Z", "Z");
    const commit = [
      `c.tree == "${await repository.git("rev-parse", "plain^{tree}")}"`, `c.parents == ["${await repository.git("rev-parse", "main")}"]`,
      `c.author == {"name": "a", "email": "a@example.com", "when": "${when}"}`, 'c.committer.email == "c@example.com"', String.raw`c.message == "of plain\n\nwith a body ü"`,
      "not c.pgpSignature", "not c.sshSignature",
    ];
    const rules = `c := input.git.commit\n${commit.join("\n")}`;
    await allowed(at("plain"), `${rules}\nnot input.git.tag\nnot input.git.isAnnotatedTag`);
    await allowed(at(commits.get("plain") ?? ""), rules);
    const tag = await repository.git("rev-parse", "tag-plain");
    await allowed(at("tag-plain"), `${rules}\ninput.git.checksum == "${tag}"\ninput.git.commitChecksum == "${commits.get("plain")}"\ninput.git.isAnnotatedTag
t := input.git.tag\nt.object == input.git.commitChecksum\nt.type == "commit"\nt.tag == "tag-plain"\nt.message == "unsigned"\nt.tagger.name == "c"`);
    await denied(at("plain"), 'startswith(input.git.commit.message, "other")');
    // Who signed says so himself: it is shown, and is no proof.
    await allowed(at("ssh"), `input.git.commit.sshSignature.version == 1\nstartswith(input.git.commit.sshSignature.pubKey, "SHA256:")\nnot input.git.commit.pgpSignature`);
    await allowed(at("pgp"), `input.git.commit.pgpSignature == {"version": 4, "keyID": "${pgp.id}"}`);
  });

  test("has signatures of commits and tags verified, by ssh and by OpenPGP", async () => {
    for (const [branch, key, other] of [["ssh", "ssh.pub", "pgp.asc"], ["pgp", "pgp.asc", "ssh.pub"]] as const) {
      await allowed(at(branch), `verify_git_signature(input.git.commit, "${key}")`);
      await allowed(at(commits.get(branch) ?? ""), `verify_git_signature(input.git.commit, "${key}")`);
      await allowed(at(`tag-${branch}`), `verify_git_signature(input.git.tag, "${key}")`);
      await denied(at(branch), `verify_git_signature(input.git.commit, "${other}")`, /verify_git_signature: /);
      // The tag is signed, and its commit is not; what is signed is the one object that is asked about.
      await denied(at(`tag-${branch}`), `verify_git_signature(input.git.commit, "${key}")`, /git object is not signed/);
      await denied(at(branch), `verify_git_signature(input.git.tag, "${key}")`);
      await denied(at(branch), `verify_git_signature(object.union(input.git.commit, {"message": "x"}), "${key}")`, /neither commit nor tag/);
    }
    await denied(at("plain"), 'verify_git_signature(input.git.commit, "ssh.pub")', /git object is not signed/);
    await denied(at("ssh"), 'verify_git_signature(input.git.commit, "none.pub")', /failed opening file "none\.pub"/);
    await denied(at("ssh"), 'verify_git_signature(input.git.commit, "ssh.pub")', /it is by SHA256/, { "ssh.pub": (await keys.ssh()).publicKey });
    await denied(at("pgp"), 'verify_git_signature(input.git.commit, "pgp.asc")', /no key of the file/, { "pgp.asc": (await keys.pgp("stranger")).publicKey });
  });

  test("has a commit verified that somebody has touched a security key for", async () => {
    const key = new SecurityKey("sk-ssh-ed25519@openssh.com");
    const raw = `${await repository.git("cat-file", "commit", "plain")}\n`;
    const signed = async (branch: string, flags: number): Promise<void> => {
      const signature = armored(key.sign(Buffer.from(raw), { flags })).trimEnd().replaceAll("\n", "\n ");
      const file = join(path, branch);
      await writeFile(file, raw.replace(/^committer .*$/m, (line) => `${line}\ngpgsig ${signature}`));
      await repository.git("update-ref", `refs/heads/${branch}`, await repository.git("hash-object", "-t", "commit", "-w", file));
    };
    await signed("touched", 1);
    await signed("untouched", 0);
    const signers = join(path, "signers");
    await writeFile(signers, `who@example.com ${key.publicKeyLine()}`);
    await repository.git("-c", "gpg.format=ssh", "-c", `gpg.ssh.allowedSignersFile=${signers}`, "verify-commit", "touched");
    const files = { "key.pub": key.publicKeyLine() };
    await allowed(at("touched"), 'verify_git_signature(input.git.commit, "key.pub")', files);
    await denied(at("untouched"), 'verify_git_signature(input.git.commit, "key.pub")', /missing required user presence flag/, files);
  });

  test("does not take a signature for one of a commit that it was copied into", async () => {
    const raw = await repository.git("cat-file", "commit", "ssh");
    const file = join(path, "forged");
    await writeFile(file, `${raw.replace("of ssh", "of another")}\n`);
    const forged = await repository.git("hash-object", "-t", "commit", "-w", file);
    await repository.git("update-ref", "refs/heads/forged", forged);
    await allowed(at("forged"), 'input.git.commit.sshSignature.version == 1');
    await denied(at("forged"), 'verify_git_signature(input.git.commit, "ssh.pub")', /not of these bytes/);
  });
});

test("a policy about a web file has its OpenPGP signature verified", { skip }, async () => {
  await using web = await serve((request, response) => void response.end(request.url === "/good" ? "hello" : "hellO"));
  const file = join(path, "signed");
  await writeFile(file, "hello");
  const files = { "file.asc": await pgp.sign(file) };
  const rules = 'verify_http_pgp_signature(input.http, "file.asc", "pgp.asc")';
  await allowed(`${web.origin}/good`, rules, files);
  await denied(`${web.origin}/bad`, rules, /./, files);
  await allowed(`${web.origin}/bad`, `not ${rules}`, files);
  await denied(`${web.origin}/good`, rules, /failed opening file/);
  await denied(`${web.origin}/good`, rules, /./, { ...files, "pgp.asc": (await keys.pgp("another")).publicKey });
});

describe("a policy about who signs with a certificate", { skip }, () => {
  test("has a commit verified that was signed with a certificate, by that certificate alone", async () => {
    const [key, authority] = [await keys.ssh(), await keys.ssh()];
    const before = await keys.certificate(key, authority);
    const files = { "key.pub": key.publicKey, "authority.pub": authority.publicKey, "before.pub": before, "certificate.pub": await keys.certificate(key, authority) };
    const tree = await repository.git("rev-parse", "plain^{tree}");
    const signed = await repository.git("-c", "gpg.format=ssh", "-c", `user.signingkey=${key.path}-cert.pub`, "commit-tree", "-S", "-m", "signed", tree);
    await repository.git("update-ref", "refs/heads/certified", signed);
    await allowed(at("certified"), 'verify_git_signature(input.git.commit, "certificate.pub")', files);
    for (const other of ["key.pub", "authority.pub", "before.pub"]) await denied(at("certified"), `verify_git_signature(input.git.commit, "${other}")`, /it is by SHA256:/, files);
  });
});
