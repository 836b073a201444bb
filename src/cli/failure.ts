import { EXIT } from "./exit-code.ts";

/** What a person is told of a failure, and the status that a script branches on. */
export interface ExplainedFailure {
  readonly message: string;
  readonly exitCode: number;
}

/** Error codes of every folder → exit status, for what another try does not mend. The only such table. */
const EXIT_OF_CODE: Readonly<Record<string, number>> = {
  usage: EXIT.usage,
  unsupported: EXIT.usage,
  limits: EXIT.usage,
  "invalid-option": EXIT.usage,
  "invalid-reference": EXIT.usage,
  "invalid-platform": EXIT.usage,
  "registry-config": EXIT.usage,
  "secret-too-big": EXIT.usage,
  parse: EXIT.usage,
  dockerfile: EXIT.dockerfile,
  "bad-pattern": EXIT.dockerfile,
  "illegal-exclusion": EXIT.dockerfile,
  "line-too-long": EXIT.dockerfile,
  "missing-input": EXIT.missingInput,
  "not-a-directory": EXIT.missingInput,
  unreadable: EXIT.missingInput,
  "too-many-links": EXIT.missingInput,
  "step-failed": EXIT.step,
  "not-reproducible": EXIT.notReproducible,
  "not-found": EXIT.registry,
  protocol: EXIT.registry,
  corrupt: EXIT.registry,
  truncated: EXIT.registry,
  "too-large": EXIT.registry,
  "unsafe-path": EXIT.registry,
  untrusted: EXIT.registry,
  rejected: EXIT.registry,
  unauthorized: EXIT.credentials,
  denied: EXIT.credentials,
  credentials: EXIT.credentials,
  sandbox: EXIT.sandbox,
  unavailable: EXIT.sandbox,
  user: EXIT.sandbox,
  start: EXIT.sandbox,
  path: EXIT.sandbox,
  device: EXIT.sandbox,
  "tool-missing": EXIT.sandbox,
  "not-permitted": EXIT.sandbox,
  "mount-failed": EXIT.sandbox,
  "spawn-failed": EXIT.sandbox,
  "holder-gone": EXIT.sandbox,
  "native-calls-missing": EXIT.sandbox,
  destination: EXIT.storage,
  storage: EXIT.storage,
  "state-version": EXIT.storage,
  "newer-state": EXIT.storage,
  "damaged-layer": EXIT.storage,
  damaged: EXIT.storage,
  running: EXIT.retryable,
  "missing-layer": EXIT.storage,
  verification: EXIT.verification,
  secret: EXIT.verification,
};

const ROOM = "free some space, or use another --root";

/** Node's own codes, for what nobody gave a better name on the way. */
const SYSTEM_ADVICE: Readonly<Record<string, readonly [exitCode: number, advice: string]>> = {
  ENOSPC: [EXIT.storage, `the disk is full; ${ROOM}`],
  EDQUOT: [EXIT.storage, `the quota is used up; ${ROOM}`],
  EFBIG: [EXIT.storage, "the file is larger than the file system or `ulimit -f` allows"],
  EROFS: [EXIT.storage, "the file system is read-only; use another --root"],
  EACCES: [EXIT.storage, "check who owns it, or use another --root"],
  EPERM: [EXIT.storage, "check who owns it, or use another --root"],
  EIO: [EXIT.storage, "the disk fails; see `dmesg`, and use another --root"],
  ENOENT: [EXIT.storage, "make its directory, or give another path"],
  ENOTDIR: [EXIT.storage, "a part of the path is no directory; give another one"],
  EEXIST: [EXIT.storage, "something else is there; give another path"],
  EISDIR: [EXIT.storage, "it is a directory; give the path of a file"],
  EMFILE: [EXIT.storage, "too many files are open; raise `ulimit -n`"],
  ENFILE: [EXIT.storage, "too many files are open on this machine; raise fs.file-max"],
};

/** A coded error speaks for itself; anything else is a bug of ours, and says where it happened. */
export function explainFailure(error: unknown): ExplainedFailure {
  // A failed build has more to show than its message: the step, its last output, the lines of the Dockerfile.
  const report = error instanceof Error && "report" in error && typeof error.report === "string" ? error.report : undefined;
  const { exitCode, message } = explain(error, report === undefined ? "ERROR: " : "ERROR: failed to build: ");
  return { exitCode, message: (report ?? "") + message };
}

function explain(error: unknown, prefix: string): ExplainedFailure {
  const { code, retryable, message } = describe(error);
  const system = SYSTEM_ADVICE[code];
  if (system !== undefined) return { message: `${prefix}${message}: ${system[1]}`, exitCode: system[0] };
  if (code === "interrupted") return { message: `${prefix}${message}`, exitCode: EXIT.interrupted };
  if (retryable) return { message: `${prefix}${message}`, exitCode: EXIT.retryable };
  const exitCode = EXIT_OF_CODE[code];
  if (exitCode !== undefined) return { message: `${prefix}${message}`, exitCode };
  if (code !== "" && !isBug(code)) return { message: `${prefix}${message}`, exitCode: EXIT.other };
  return { message: `${prefix}${message}\n${stackOf(error)}\nThis is a bug in stemma; please report it with the lines above.`, exitCode: EXIT.other };
}

/** `internal` is what a step's failure without a code is called; Node's own `ERR_` codes tell of wrong calls. */
function isBug(code: string): boolean {
  return code === "internal" || code.startsWith("ERR_");
}

/** Of the innermost error: where it happened. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? stackOf(error.cause) : (error.stack ?? error.message);
}

/** Of an error and of all that led to it, the outermost first. */
export function stacksOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\nCaused by: ${stacksOf(error.cause)}`;
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
