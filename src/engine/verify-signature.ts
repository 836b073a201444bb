import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../content/digest.ts";
import type { Clock } from "../host/clock.ts";
import type { Environment } from "../host/environment.ts";
import type { SignatureQuestion, VerifySignature } from "../policy/build-functions.ts";
import { PolicyError } from "../policy/policy-error.ts";
import { BuiltinError } from "../policy/rego/rego-error.ts";
import type { Workspace } from "../snapshot/workspace.ts";
import { fetchHttpFile } from "../source/http.ts";
import { isPgpSignature, verifyPgpSignature, type PgpMeans } from "../trust/pgp-signature.ts";
import { isSshSignature, verifySshSignature } from "../trust/ssh-signature.ts";
import { TrustError } from "../trust/trust-error.ts";
import type { Awaited } from "./awaited.ts";
import type { BuildServices } from "./build-services.ts";
import { artifactSignature } from "./image-signatures.ts";
import { httpRequest } from "./operations.ts";
import type { AskedSource } from "./policy-input.ts";

export interface VerifierMeans {
  readonly services: Pick<BuildServices, "http">;
  readonly workspace: Workspace;
  readonly env: Environment;
  readonly clock: Clock;
  readonly awaited: Awaited;
}

/** What verifies for policies that ask about this source, within the run of their interpreter. */
export function signatureVerifier(source: AskedSource, means: VerifierMeans): VerifySignature {
  return (question) => {
    const found = means.awaited.get(questionKey(source, question), async (signal) => {
      try {
        return await verify(source, question, means, signal);
      } catch (error) {
        if (error instanceof TrustError) return error;
        throw error;
      }
    });
    if (!(found instanceof TrustError)) return found;
    if (found.code === "invalid") throw new BuiltinError(found.message, { cause: found });
    throw new PolicyError(`the policy has a signature verified, which cannot be done: ${found.message}`, { cause: found });
  };
}

function questionKey({ identifier }: AskedSource, question: SignatureQuestion): string {
  if (question.kind === "github") return JSON.stringify(["signature", "github", identifier, question.repository]);
  const parts = partsOf(question);
  return JSON.stringify(["signature", question.kind, question.kind === "git" ? "" : identifier, ...parts.map((part) => digestOf(Buffer.from(part as Uint8Array)))]);
}

function partsOf(question: Exclude<SignatureQuestion, { kind: "github" }>): ReadonlyArray<Uint8Array | string> {
  switch (question.kind) {
    case "git":
      return [question.object.text, question.object.signed, question.key];
    case "http":
      return [question.signature, question.keys];
    case "artifact":
      return [question.bundle];
  }
}

/** What is to be told of it, if there is more than that it holds. */
async function verify(source: AskedSource, question: SignatureQuestion, means: VerifierMeans, signal: AbortSignal): Promise<unknown> {
  if (question.kind === "github") {
    const { digest } = await fetchHttpFile(httpRequest(source), means.services.http, signal);
    const { githubAttestation } = await import("./github-attestations.ts");
    return await githubAttestation(digest.slice("sha256:".length), question.repository, { get: means.services.http.get, env: means.env }, signal);
  }
  if (question.kind === "artifact") {
    const { digest } = await fetchHttpFile(httpRequest(source), means.services.http, signal);
    return await artifactSignature(question.bundle, { sha256: digest.slice("sha256:".length), bytes: undefined }, means.env);
  }
  if (question.kind === "http") await verifyFile(source, question, means, signal);
  else await verifyObject(question, means, signal);
  return undefined;
}

async function verifyObject({ object: { text, signed }, key }: Extract<SignatureQuestion, { kind: "git" }>, means: VerifierMeans, signal: AbortSignal): Promise<void> {
  if (isSshSignature(text)) return verifySshSignature(text, signed, { publicKey: textOf(key), namespace: "git" });
  if (!isPgpSignature(text)) throw new TrustError("unsupported", "the git object is signed with what is neither OpenPGP nor ssh");
  await inDirectory(means, (directory) => verifyPgpSignature({ signature: text, keys: textOf(key), signed: { bytes: signed } }, { ...gpgMeans(means), directory }, signal));
}

async function verifyFile(source: AskedSource, { signature, keys }: Extract<SignatureQuestion, { kind: "http" }>, means: VerifierMeans, signal: AbortSignal): Promise<void> {
  const { http } = means.services;
  const { digest } = await fetchHttpFile(httpRequest(source), http, signal);
  await inDirectory(means, async (directory) => {
    const path = join(directory, "signed");
    await writeFile(path, http.blobs.read(digest, signal));
    await verifyPgpSignature({ signature: textOf(signature), keys: textOf(keys), signed: { path } }, { ...gpgMeans(means), directory }, signal);
  });
}

function gpgMeans({ env, clock }: VerifierMeans): Omit<PgpMeans, "directory"> {
  return { env, nowSeconds: Number(clock.nowNs() / 1_000_000_000n) };
}

async function inDirectory(means: VerifierMeans, work: (directory: string) => Promise<void>): Promise<void> {
  const directory = means.workspace.claim();
  try {
    await work(directory);
  } finally {
    await means.workspace.discard(directory);
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}
