import { renderJson } from "./json-tree.ts";
import { makePredicate, type ProvenanceInput } from "./predicate.ts";
import { publishedPredicate } from "./scrub-statement.ts";
import { slsaV02, SLSA_V02 } from "./slsa-v02.ts";
import { slsaV1, SLSA_V1 } from "./slsa-v1.ts";
import { subjectJson, type Subject } from "./subject.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

export interface StatementForm {
  readonly subjects: readonly Subject[];
  /** `compact` beside an image; `indented` as a file among the files of a result. */
  readonly form: "compact" | "indented";
}

/**
 * The in-toto statement of one result, byte for byte as BuildKit writes it.
 * Throws IncompleteMaterialsError when complete materials were asked for and are not to be had.
 */
export function provenanceStatement(input: ProvenanceInput, { subjects, form }: StatementForm): Uint8Array {
  const predicate = makePredicate(input);
  const statement = {
    _type: STATEMENT_TYPE,
    predicateType: predicateType(input.plan.version),
    subject: subjects.map(subjectJson),
    predicate: publishedPredicate(input.plan.version === "v1" ? slsaV1(predicate) : slsaV02(predicate), input),
  };
  return Buffer.from(renderJson(statement, form));
}

export function predicateType(version: "v1" | "v0.2"): string {
  return version === "v1" ? SLSA_V1 : SLSA_V02;
}
