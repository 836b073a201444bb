import { EXIT } from "./exit-code.ts";

/** What a person is told of a failure, and the status that a script branches on. */
export interface ExplainedFailure {
  readonly message: string;
  readonly exitCode: number;
}

/** Error codes of every folder → exit status. The only such table. */
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  dockerfile: EXIT.dockerfile,
  "missing-input": EXIT.missingInput,
  "step-failed": EXIT.step,
  unsupported: EXIT.usage,
  "not-a-directory": EXIT.missingInput,
  unreadable: EXIT.missingInput,
  "secret-too-big": EXIT.usage,
  user: EXIT.sandbox,
  start: EXIT.sandbox,
  path: EXIT.sandbox,
  "tool-missing": EXIT.sandbox,
  "not-permitted": EXIT.sandbox,
  destination: EXIT.storage,
  "state-version": EXIT.storage,
  "not-found": EXIT.registry,
  protocol: EXIT.registry,
  corrupt: EXIT.registry,
  unauthorized: EXIT.credentials,
  denied: EXIT.credentials,
  credentials: EXIT.credentials,
  untrusted: EXIT.registry,
  rejected: EXIT.registry,
  "registry-config": EXIT.usage,
  "invalid-reference": EXIT.usage,
  "invalid-platform": EXIT.usage,
  sandbox: EXIT.sandbox,
  storage: EXIT.storage,
  interrupted: EXIT.interrupted,
  verification: EXIT.verification,
};

/** Node's own codes, for what nobody gave a better name on the way. */
const SYSTEM_ADVICE: Readonly<Record<string, readonly [exitCode: number, advice: string]>> = {
  ENOSPC: [EXIT.storage, "the disk is full; free some space, or use another --root"],
  EDQUOT: [EXIT.storage, "the quota is used up; free some space, or use another --root"],
  EROFS: [EXIT.storage, "the file system is read-only; use another --root"],
  EACCES: [EXIT.storage, "check who owns it, or use another --root"],
};

/** A coded error speaks for itself; anything else is a bug of ours, and says where it happened. */
export function explainFailure(error: unknown): ExplainedFailure {
  const { exitCode, message } = explain(error);
  // A failed build has more to show than its message: the step, its last output, the lines of the Dockerfile.
  const report = error instanceof Error && "report" in error && typeof error.report === "string" ? error.report : "";
  return { exitCode, message: report + message };
}

function explain(error: unknown): ExplainedFailure {
  const { code, retryable, message } = describe(error);
  const system = SYSTEM_ADVICE[code];
  if (system !== undefined) return { message: `ERROR: ${message}: ${system[1]}`, exitCode: system[0] };
  const exitCode = EXIT_OF_CODE[code];
  if (exitCode !== undefined) return { message: `ERROR: ${message}`, exitCode };
  if (retryable) return { message: `ERROR: ${message}`, exitCode: EXIT.retryable };
  if (code !== "") return { message: `ERROR: ${message}`, exitCode: EXIT.other };
  return { message: `ERROR: ${error instanceof Error ? (error.stack ?? message) : message}\nThis is a bug in stemma; please report it with the lines above.`, exitCode: EXIT.other };
}

interface Described {
  readonly code: string;
  readonly retryable: boolean;
  readonly message: string;
}

/** The first code on the way down to the cause: the outer error may only say which step it was. */
function describe(error: unknown): Described {
  if (!(error instanceof Error)) return { code: "", retryable: false, message: String(error) };
  const { code, retryable } = error as Error & { readonly code?: unknown; readonly retryable?: unknown };
  if (typeof code === "string") return { code, retryable: retryable === true, message: error.message };
  const inner = error.cause === undefined ? undefined : describe(error.cause);
  return { code: inner?.code ?? "", retryable: inner?.retryable ?? false, message: error.message };
}
