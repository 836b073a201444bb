import type { Environment } from "../host/environment.ts";
import { runProcess } from "../host/process.ts";
import { CredentialError, type Credential } from "./credential.ts";

/** The user's name under which Docker's helpers keep an identity token. */
const TOKEN_USER = "<token>";
/** How Docker's helpers say that there is nothing; some add a full stop, some a URL. */
const NOT_FOUND = /credentials not found|no credentials|not logged in/i;

interface HelperAnswer {
  readonly Username?: unknown;
  readonly Secret?: unknown;
}

/** Asks `docker-credential-<helper>`. Undefined where it has nothing for this server. */
export async function getFromHelper(helper: string, server: string, env: Environment, signal: AbortSignal): Promise<Credential | undefined> {
  const { exitCode, stdout, stderr } = await run(helper, "get", { input: server, env }, signal);
  const answer = stdout.toString("utf8");
  if (exitCode !== 0) {
    if (NOT_FOUND.test(answer) || NOT_FOUND.test(stderr.toString("utf8"))) return undefined;
    throw new CredentialError(`docker-credential-${helper} get: exit code ${exitCode}: ${(answer.trim() || stderr.toString("utf8").trim()).slice(0, 500)}`);
  }
  const { Username: username, Secret: secret } = parseAnswer(answer, helper);
  if (typeof username !== "string" || typeof secret !== "string" || secret === "") return undefined;
  return username === TOKEN_USER ? { kind: "identity", token: secret } : { kind: "basic", username, password: secret };
}

export async function storeInHelper(helper: string, server: string, credential: Credential, scope: { readonly env: Environment; readonly signal: AbortSignal }): Promise<void> {
  const [Username, Secret] = credential.kind === "basic" ? [credential.username, credential.password] : [TOKEN_USER, credential.token];
  const input = JSON.stringify({ ServerURL: server, Username, Secret });
  await mustRun(helper, "store", { input, env: scope.env }, scope.signal);
}

export async function eraseFromHelper(helper: string, server: string, env: Environment, signal: AbortSignal): Promise<void> {
  await mustRun(helper, "erase", { input: server, env }, signal);
}

interface HelperCall {
  readonly input: string;
  readonly env: Environment;
}

async function mustRun(helper: string, verb: string, call: HelperCall, signal: AbortSignal): Promise<void> {
  const { exitCode, stdout, stderr } = await run(helper, verb, call, signal);
  if (exitCode === 0) return;
  const said = stdout.toString("utf8").trim() || stderr.toString("utf8").trim();
  if (!NOT_FOUND.test(said)) throw new CredentialError(`docker-credential-${helper} ${verb}: exit code ${exitCode}: ${said.slice(0, 500)}`);
}

async function run(helper: string, verb: string, { input, env }: HelperCall, signal: AbortSignal): ReturnType<typeof runProcess> {
  // The name comes out of a file and becomes part of a program's name: no path may hide in it.
  if (!/^[\w.-]+$/.test(helper)) throw new CredentialError(`not the name of a credential helper: ${JSON.stringify(helper)}`);
  try {
    return await runProcess({ argv: [`docker-credential-${helper}`, verb], env, input }, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new CredentialError(`docker-credential-${helper}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function parseAnswer(answer: string, helper: string): HelperAnswer {
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    // The text may hold the secret, so neither it nor the parser's words are repeated.
    throw new CredentialError(`docker-credential-${helper} get: printed no JSON`);
  }
}
