import type { Statement } from "../export/statement.ts";
import { subjectJson, type Subject } from "../provenance/subject.ts";
import type { Origin } from "../sbom/document.ts";

/** What an evidence speaks of, once that is known. */
export interface EvidenceTarget {
  /** Of the image, or of what stands for it. */
  readonly name: string;
  readonly kind: "image" | "directory";
  /** What brought a file of the result. */
  readonly originOf: (path: string) => Origin;
  readonly subjects: readonly Subject[];
}

/** What is said of a result beside its provenance: an SBOM, or what a frontend in a container says. */
export interface Evidence {
  readonly predicateType: string;
  /** Name of its file where there is no image: `sbom.spdx.json`. */
  readonly filename: string;
  /** What it speaks of besides the result itself; undefined: of the result alone. */
  readonly subjects: ((target: EvidenceTarget) => readonly Subject[]) | undefined;
  /** JSON. */
  predicate(target: EvidenceTarget, signal: AbortSignal): Promise<Uint8Array>;
}

/** Evidence as in-toto statements (Statement v1). */
export async function evidenceStatements(all: readonly Evidence[], target: EvidenceTarget, signal: AbortSignal): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const evidence of all) {
    const { predicateType, filename } = evidence;
    const subject = (evidence.subjects?.(target) ?? target.subjects).map(subjectJson);
    const head = JSON.stringify({ _type: "https://in-toto.io/Statement/v1", predicateType, subject });
    const predicate = Buffer.from(await evidence.predicate(target, signal));
    // A document may be large: it is put in as it is.
    const bytes = Buffer.concat([Buffer.from(`${head.slice(0, -1)},"predicate":`), predicate.subarray(0, predicate.at(-1) === 0x0a ? -1 : undefined), Buffer.from("}")]);
    statements.push({ predicateType, filename, bytes });
  }
  return statements;
}
