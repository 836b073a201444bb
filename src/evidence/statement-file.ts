import { isObject, textAt } from "../trace/document.ts";
import { STATEMENT_SIZE_BYTES_MAX, subjectDigests } from "../trace/statement.ts";
import { EvidenceError } from "./evidence-error.ts";

/** An in-toto statement that somebody wrote, checked as far as it can be by itself. */
export interface GivenStatement {
  readonly predicateType: string;
  /** As they are: digests of them may be known elsewhere. */
  readonly bytes: Uint8Array;
  /** `sha256:…`. */
  readonly subjects: readonly string[];
}

const STATEMENT_TYPE = /^https:\/\/in-toto\.io\/Statement\/v(?:0\.1|1)$/;

/** https://github.com/in-toto/attestation, Statement. Throws EvidenceError "usage". */
export function parseStatementFile(bytes: Uint8Array, what: string): GivenStatement {
  if (bytes.byteLength > STATEMENT_SIZE_BYTES_MAX) throw new EvidenceError("usage", `${what}: ${bytes.byteLength} bytes, more than ${STATEMENT_SIZE_BYTES_MAX}`);
  const value = parse(bytes, what);
  if (!isObject(value)) throw new EvidenceError("usage", `${what}: not a JSON object`);
  const type = textAt(value, "_type");
  if (type === undefined || !STATEMENT_TYPE.test(type)) {
    const hint = textAt(value, "payload") === undefined ? "wrap the document in one, with _type, subject, predicateType and predicate" : "this is an envelope; its payload is needed";
    throw new EvidenceError("usage", `${what}: no in-toto statement (_type ${JSON.stringify(type ?? "")}); ${hint}`);
  }
  const predicateType = textAt(value, "predicateType");
  if (predicateType === undefined || !Object.hasOwn(value, "predicate")) throw new EvidenceError("usage", `${what}: a statement without predicateType or predicate`);
  return { predicateType, bytes, subjects: subjectDigests(value) };
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new EvidenceError("usage", `${what}: no JSON: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
